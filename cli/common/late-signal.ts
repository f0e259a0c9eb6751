import { setMaxListeners } from 'node:events';

/** Time that work has to end once it was asked to stop, ms. */
const GRACE_MS = 10_000;

/** Aborts some time after `signal` does: for work that is better ended than broken off. */
export function lateSignal(signal: AbortSignal): { signal: AbortSignal; remove(): void } {
  const late = new AbortController();
  setMaxListeners(0, late.signal);
  const onStop = (): void => void setTimeout(() => late.abort(), GRACE_MS).unref();
  signal.addEventListener('abort', onStop, { once: true });
  return { signal: late.signal, remove: () => signal.removeEventListener('abort', onStop) };
}
