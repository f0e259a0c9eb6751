import { describeLetter } from '../../../../cli/dlq/describe-letter.ts';
import { isReplayable } from '../../../../cli/dlq/replay-plan.ts';
import { core } from '../../../../functions/app.ts';
import { AppError } from '../../../../shared/core/errors.ts';
import { deathFactsOf, metadataOf } from '../../../../shared/dead-letters/entry-metadata.ts';
import { entryName, readLetter } from '../../../../shared/dead-letters/letter-store.ts';
import { createMemoryStorage } from '../../../../shared/storage/memory.ts';
import { deathRecord } from '../../../helpers/letters.ts';
import { type MutationKind, sometimesAsIs } from '../kind.ts';
import { mutateBytes, mutateJson, NASTY_TOKENS, pick } from '../mutate.ts';
import { withFile } from './delta-log.ts';

const LETTER = '0123456789abcdef0123456789abcdef';
const AT = '2026-11-21T10:00:00.000Z';
const ENTRIES: readonly object[] = [
  deathRecord({
    attempts: [{ attempt: 1, code: 'denied', message: 'm', stack: 'Error: m\n    at x', trace: 't', at: AT }],
    attemptCount: 3,
    concern: { kind: 'object', bucket: 'raw', name: 'a.mp4', generation: '1' },
  }),
  deathRecord({ way: 'refused', concern: { kind: 'event', id: '1', type: 't', source: 's' } }),
  { schemaVersion: 1, kind: 'replay', letter: LETTER, key: 'k', topic: 'replay-x', messageId: '1', at: AT },
  { schemaVersion: 1, kind: 'discard', letter: LETTER, key: 'k', reason: 'r', by: 'me', at: AT },
];

/** A letter's entries as read back from the state bucket and shown by `pipeline dlq show`. */
export const records: MutationKind = {
  async open() {
    const encode = (entry: unknown): Buffer => Buffer.from(JSON.stringify(entry) ?? 'null');
    const seeds = ENTRIES.map(encode);
    const name = entryName(LETTER, 'death', '0123456789abcdef');
    const store = createMemoryStorage({ now: () => Date.parse(AT) }).bucket('state');
    await store.putIfAbsent(name, Buffer.from('{}'));
    return {
      make: sometimesAsIs(seeds, (random) =>
        random() < 0.8
          ? encode(mutateJson(pick(random, ENTRIES), random))
          : mutateBytes(pick(random, seeds), pick(random, seeds), random, NASTY_TOKENS),
      ),
      async read(bytes) {
        try {
          const letter = await readLetter(withFile(store, name, bytes), LETTER);
          const death = letter?.entries.map(({ entry }) => entry).find((entry) => entry.kind === 'death');
          if (!letter || !death) return 'refused';
          const { way, code, group, pattern, eventId, correlationId } = death;
          const facts = { function: death.function, way, code, group, pattern, eventId, correlationId };
          const summary = {
            ...facts,
            letter: LETTER,
            status: letter.status,
            concern: '',
            bytes: 1,
            ...COUNTS,
          };
          const payload = Buffer.from(death.letterMessage.data, 'base64');
          deathFactsOf(metadataOf(death));
          isReplayable(death, core);
          describeLetter({ summary, letter, death, state: 'exists', advice: '', payload }, { full: true });
          return 'read';
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          return 'refused';
        }
      },
    };
  },
};

const COUNTS = { deaths: 1, replays: 0, firstDiedAt: AT, lastDiedAt: AT };
