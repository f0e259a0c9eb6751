import { randomBytes } from 'node:crypto';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import { listLetters, writeDiscard } from '../../shared/dead-letters/letter-store.ts';
import type { LetterSummary } from '../../shared/dead-letters/records.ts';
import { currentUser } from '../common/current-user.ts';
import { count, counted } from '../common/numbers.ts';
import { parseCommand } from '../common/options.ts';
import { checkChoice, choose, NAME_HELP, parseNames } from './choose.ts';
import type { Dlq, DlqSubcommand } from './dlq.ts';
import { FILTER_HELP, FILTER_OPTIONS, type LetterFilter, toFilter, UNSETTLED } from './filter-options.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { parseReason } from './reason.ts';

const WRITES_AT_A_TIME = 16;

export const discard: DlqSubcommand = {
  summary: 'settles dead letters without a replay; needs a reason',
  help: `usage: pipeline dlq discard <letter or group>... --reason TEXT [options]
       pipeline dlq discard <filters> --reason TEXT [options]

Marks dead letters as settled. Nothing is deleted: they are kept with the reason, and reopened if their event
dies again. An argument is ${NAME_HELP}; without one,
all letters that match the filters are discarded.

  --reason TEXT      why; it is kept with the letter
  --all              all unsettled letters, without a filter
  --dry-run          show what would be discarded, and discard nothing
${FILTER_HELP}${PLACE_HELP}`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      reason: { type: 'string' },
      all: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    const names = parseNames(positionals);
    const filter = toFilter(values, Date.now());
    checkChoice(names, filter, values.all);
    const reason = parseReason(values.reason, '--reason must be given: say why they are not replayed');
    const options = { names, filter, reason, isDryRun: values['dry-run'], isJson: values.json };
    return { place: values, run: (dlq) => run(dlq, options) };
  },
};

interface Options {
  names: string[];
  filter: LetterFilter;
  reason: string;
  isDryRun: boolean;
  isJson: boolean;
}

async function run(dlq: Dlq, { names, filter, reason, isDryRun, isJson }: Options): Promise<number> {
  const { out, state, clock, signal, progress, place } = dlq;
  const all = await listLetters(state, { signal });
  const letters = choose(all, names, filter, UNSETTLED, place.command);
  const settled = letters.filter(isSettled);
  const wanted = letters.filter((letter) => !isSettled(letter));
  let done = 0;
  if (!isDryRun) {
    const key = randomBytes(8).toString('hex');
    const at = new Date(clock.now()).toISOString();
    progress.start(() => `discard: ${count(done)} of ${counted(wanted.length, 'dead letter')}`);
    await mapConcurrent(wanted, WRITES_AT_A_TIME, async ({ letter }) => {
      signal.throwIfAborted();
      await writeDiscard(state, { letter, key, reason, by: currentUser(), at }, { signal });
      done++;
    });
    progress.stop();
  }
  if (isJson) {
    const ids = (some: readonly LetterSummary[]): string[] => some.map(({ letter }) => letter);
    await out.json({ discarded: isDryRun ? 0 : done, letters: ids(wanted), settled: ids(settled), reason });
    return 0;
  }
  const verb = isDryRun ? 'would be discarded (dry run)' : 'discarded';
  await out.line(`${counted(wanted.length, 'dead letter')} ${verb}`);
  if (settled.length > 0) await out.line(`${count(settled.length)} skipped: already settled`);
  return 0;
}

function isSettled({ status }: LetterSummary): boolean {
  return status === 'resolved' || status === 'discarded';
}
