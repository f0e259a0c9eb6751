import { setMaxListeners } from 'node:events';

/** Time that work has to finish after a request to stop, in milliseconds. */
const GRACE_MS = 10_000;

/** A signal that aborts some time after `signal`: for work that should be completed rather than interrupted. */
export function lateSignal(signal: AbortSignal): { signal: AbortSignal; remove(): void } {
  const late = new AbortController();
  setMaxListeners(0, late.signal);
  const onStop = (): void => void setTimeout(() => late.abort(), GRACE_MS).unref();
  signal.addEventListener('abort', onStop, { once: true });
  return { signal: late.signal, remove: () => signal.removeEventListener('abort', onStop) };
}
