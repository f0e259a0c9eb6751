import { randomBytes } from 'node:crypto';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import { listLetters } from '../../shared/dead-letters/letter-store.ts';
import type { LetterSummary } from '../../shared/dead-letters/records.ts';
import { DeltaError, DeltaTable, eraseRows } from '../../shared/delta/index.ts';
import { canAsk, confirm, needsYes } from '../common/confirm.ts';
import { currentUser } from '../common/current-user.ts';
import { count, counted } from '../common/numbers.ts';
import { Failure, parseCommand, UsageError } from '../common/options.ts';
import { choose, NAME_HELP, parseNames } from './choose.ts';
import type { Dlq, DlqSubcommand } from './dlq.ts';
import { deleteObjects, type LetterObjects, noteErasure, objectsOf } from './erase-letter.ts';
import { FILTER_HELP, FILTER_OPTIONS, type LetterFilter, STATUSES, toFilter } from './filter-options.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { parseReason } from './reason.ts';

const LETTERS_AT_A_TIME = 8;
/** Maximum number of letters whose rows are erased in one commit. */
const LETTERS_A_COMMIT = 5_000;
const DAY_MS = 86_400_000;

export const erase: DlqSubcommand = {
  summary: 'permanently deletes dead letters and everything stored about them',
  help: `usage: pipeline dlq erase <letter or group>... --reason TEXT [--dry-run] [--yes] [options]
       pipeline dlq erase <filters> --reason TEXT [--dry-run] [--yes] [options]

Removes letters with their payloads, attributes and messages: all entries in the state bucket, records of failed
attempts and of refusals, and their rows in the table of dead letters. A record under erased/ keeps who erased which
letter, when and why. An argument is ${NAME_HELP}, of any
status unless one is given. If the command is interrupted, run it again: it continues.

  --correlation ID   with this correlation id; may be given more than once
  --reason TEXT      why: it is kept, so name a ticket and no person
  --dry-run          only count
  --yes              do not ask; required without a terminal
${FILTER_HELP}${PLACE_HELP}
Needs roles/storage.objectUser on the state bucket and on the bucket of the tables (LAKE_BUCKET).
`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      correlation: { type: 'string', multiple: true },
      reason: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    const names = parseNames(positionals);
    const filter = toFilter(values, Date.now());
    const { correlation, 'dry-run': isDryRun, yes: isSure, json: isJson } = values;
    if (correlation?.includes('')) throw new UsageError('--correlation must not be empty');
    if (names.length === 0 && filter.isEmpty && correlation === undefined) {
      throw new UsageError('nothing selected: name letters or a group, or give a filter');
    }
    const reason = isDryRun
      ? ''
      : parseReason(values.reason, '--reason must be given: say why they are erased');
    if (!isDryRun && !isSure && !canAsk()) throw needsYes();
    const options = { names, filter, correlation, reason, isDryRun, isSure, isJson };
    return { place: values, run: (dlq) => run(dlq, options) };
  },
};

interface Options {
  names: string[];
  filter: LetterFilter;
  correlation: string[] | undefined;
  reason: string;
  isDryRun: boolean;
  isSure: boolean;
  isJson: boolean;
}

interface ErasedRows {
  rows: number;
  /** Time from which vacuum deletes the old files; undefined if nothing was erased, or never. */
  filesUntil: Date | undefined;
  isComplete: boolean;
}

async function run(dlq: Dlq, options: Options): Promise<number> {
  const { state, signal, clock, progress, out, place } = dlq;
  const { names, filter, correlation, reason, isDryRun } = options;
  if (place.lake === undefined) {
    throw new Failure(
      'LAKE_BUCKET must be set: without it, the rows in the table of dead letters would stay',
    );
  }
  const all = await listLetters(state, { signal });
  const letters = choose(all, names, filter, STATUSES, place.command).filter(
    ({ correlationId }) => correlation?.includes(correlationId ?? '') ?? true,
  );
  let looked = 0;
  progress.start(() => `erase: checked ${count(looked)} of ${counted(letters.length, 'dead letter')}`);
  const found = await mapConcurrent(letters, LETTERS_AT_A_TIME, async (letter) => {
    signal.throwIfAborted();
    const objects = await objectsOf(dlq, letter);
    looked++;
    return objects;
  });
  progress.stop();
  const planned = await rowsOf(dlq, letters, { isDryRun: true, reason });
  const objects = found.reduce((sum, one) => sum + one.entries.length + one.others.length, 0);
  const inWords = `${counted(letters.length, 'dead letter')}: ${counted(objects, 'object')}, ${counted(planned.rows, 'row')}`;
  if (isDryRun || letters.length === 0) {
    if (options.isJson) await out.json(asJson(letters, objects, planned, options));
    else
      await out.line(
        letters.length === 0 ? 'no dead letter matches' : `${inWords} would be erased (dry run)`,
      );
    return 0;
  }
  if (!options.isSure) await confirm(`erase ${inWords} in ${place.inWords}?`, signal);
  const note = {
    key: randomBytes(8).toString('hex'),
    reason,
    by: currentUser(),
    at: new Date(clock.now()).toISOString(),
  };
  const erased = await eraseAll(dlq, letters, found, note);
  if (options.isJson) await out.json(asJson(letters, objects, erased, options));
  else for (const line of linesOf(letters, objects, erased)) await out.line(line);
  return erased.isComplete ? 0 : 1;
}

/** Records first, then rows, then objects: an interrupted erasure stays listed and can be continued. */
async function eraseAll(
  dlq: Dlq,
  letters: readonly LetterSummary[],
  found: readonly LetterObjects[],
  note: Parameters<typeof noteErasure>[2],
): Promise<ErasedRows> {
  const { progress, signal } = dlq;
  let gone = 0;
  progress.start(() => `erase: ${count(gone)} of ${counted(letters.length, 'dead letter')}`);
  await mapConcurrent(found, LETTERS_AT_A_TIME, (one) => noteErasure(dlq, one, note));
  const rows = await rowsOf(dlq, letters, { isDryRun: false, reason: note.reason });
  await mapConcurrent(found, LETTERS_AT_A_TIME, async (one) => {
    signal.throwIfAborted();
    await deleteObjects(dlq, one);
    gone++;
  });
  progress.stop();
  return rows;
}

async function rowsOf(
  { storage, place, signal, clock }: Dlq,
  letters: readonly LetterSummary[],
  { isDryRun, reason }: { isDryRun: boolean; reason: string },
): Promise<ErasedRows> {
  const total: ErasedRows = { rows: 0, filesUntil: undefined, isComplete: true };
  if (letters.length === 0 || place.lake === undefined) return total;
  const by = currentUser();
  try {
    const table = await DeltaTable.open(storage.bucket(place.lake.bucket), place.deadLettersPath);
    for (let from = 0; from < letters.length; from += LETTERS_A_COMMIT) {
      const ids = letters.slice(from, from + LETTERS_A_COMMIT).map(({ letter }) => letter);
      const options = { reason: reason || 'dry run', by, dryRun: isDryRun, clock, signal };
      const { rows, filesUntil, isComplete } = await eraseRows(table, { letter: { in: ids } }, options);
      total.rows += rows;
      if (filesUntil !== undefined) total.filesUntil = filesUntil;
      total.isComplete &&= isComplete;
    }
  } catch (error) {
    // the table does not exist until its first row is written
    if (!(error instanceof DeltaError && error.code === 'table-not-found')) throw error;
  }
  return total;
}

/** Raw copies are kept for 7 days after each death; letters that the inspector gave up, for 31. */
function copiesUntil(letters: readonly LetterSummary[]): string {
  const last = Math.max(...letters.map(({ lastDiedAt }) => Date.parse(lastDiedAt) || 0));
  return new Date(last + 7 * DAY_MS).toISOString();
}

function linesOf(
  letters: readonly LetterSummary[],
  objects: number,
  { rows, filesUntil, isComplete }: ErasedRows,
) {
  return [
    `${counted(letters.length, 'dead letter')} erased: ${counted(objects, 'object')}, ${counted(rows, 'row')}`,
    ...(filesUntil === undefined
      ? []
      : [
          `not final yet: older versions of the table show the rows until vacuum, after ${filesUntil.toISOString()}`,
        ]),
    `raw copies stay in the subscription dead-letters-kept until ${copiesUntil(letters)}, and in dead-letters-unread for up to 31 days if the inspector gave up on them (pipeline dlq unread)`,
    'log lines quote reasons for as long as logs are kept; a redelivery or a replay in progress creates the letter again',
    ...(isComplete ? [] : ['matching rows keep arriving: run the same command again']),
  ];
}

function asJson(
  letters: readonly LetterSummary[],
  objects: number,
  { rows, filesUntil, isComplete }: ErasedRows,
  { isDryRun }: Options,
): Record<string, unknown> {
  return {
    dryRun: isDryRun,
    letters: letters.map(({ letter }) => letter),
    objects,
    rows,
    rowsFinalAfter: filesUntil?.toISOString() ?? null,
    copiesUntil: letters.length === 0 ? null : copiesUntil(letters),
    isComplete,
  };
}
