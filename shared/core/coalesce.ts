/**
 * Runs `work` for many callers: those who call while it runs share the one run after it, so each is answered by a run
 * that began after its call.
 *
 * @example
 * const flush = coalesced(() => relay(database, options));
 */
export function coalesced<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const start = (): Promise<T> => {
    next = undefined;
    const run = work().finally(() => {
      if (running === run) running = undefined;
    });
    running = run;
    return run;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running.then(start, start);
    return next;
  };
}
