import { createInterface } from 'node:readline/promises';
import { Failure, UsageError } from './options.ts';

/**
 * Asks for confirmation before an irreversible action. Throws UsageError without a terminal, and Failure if the
 * answer is anything but yes.
 */
export async function confirm(question: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw needsYes();
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [yes/no] `, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('cancelled: nothing was changed');
  } finally {
    terminal.close();
  }
}

/** True if there is a terminal for `confirm` to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

export function needsYes(): UsageError {
  return new UsageError('this cannot be undone: pass --yes to confirm without a terminal');
}
