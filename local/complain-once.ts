import { placeFault } from './make-folder.ts';
import { inOneLine, printable } from './terminal-text.ts';

/** Interval of messages about the same problem, in ms. */
const TROUBLE_MS = 10_000;

/** Failed writes are retried; complains about them only now and then. */
export function complainOnce(dir: string, complain: (line: string) => void): (error: unknown) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - loggedAt < TROUBLE_MS) return;
    loggedAt = performance.now();
    complain(`cannot write to ${printable(dir)}: ${placeFault(error) ?? inOneLine(error)}`);
  };
}
