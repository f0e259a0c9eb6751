import { AppError } from '../../shared/core/errors.ts';
import { readLetter } from '../../shared/dead-letters/letter-store.ts';
import type { DeathRecord, LetterStatus } from '../../shared/dead-letters/records.ts';
import type { Dlq } from './dlq.ts';

/** The complete record of a letter's last death; `unreadable` if its entry is damaged. */
export type ReadDeath =
  | { kind: 'death'; death: DeathRecord; status: LetterStatus }
  | { kind: 'expired' }
  | { kind: 'unreadable'; reason: string };

export async function readDeath({ state, signal }: Dlq, letter: string): Promise<ReadDeath> {
  try {
    const read = await readLetter(state, letter, { deaths: 1, signal });
    const death = read?.entries.map(({ entry }) => entry).findLast((entry) => entry.kind === 'death');
    return read && death ? { kind: 'death', death, status: read.status } : { kind: 'expired' };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'internal') throw error;
    return { kind: 'unreadable', reason: error.message };
  }
}
