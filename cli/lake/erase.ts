import { type EraseOutcome, eraseRows, type Filter } from '../../shared/delta/index.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { canAsk, confirm, needsYes } from '../common/confirm.ts';
import { currentUser } from '../common/current-user.ts';
import { bytesText, count, counted } from '../common/numbers.ts';
import { parseOptions, quoted, UsageError } from '../common/options.ts';
import { formatMicros } from '../common/time.ts';
import { STATE_HELP, STATE_OPTIONS, stateStore } from './conflict-place.ts';
import { eraseConflicts } from './erase-conflicts.ts';
import { FILTER_HELP, FILTER_OPTIONS, toFilter } from './filter-options.ts';
import type { Lake, LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { WHERE_HELP, withWhere } from './where-option.ts';

const MAX_REASON = 1_000;

export const erase: LakeSubcommand = {
  summary: 'removes the events that match, for good once vacuum has run',
  help: `usage: pipeline lake erase <filters> --reason TEXT [--dry-run] [--yes] [options]

Removes all events that match all of the filters: the files that hold them are rewritten without them, and one commit
(operation DELETE) replaces the files. Writers continue meanwhile. If the command is stopped before its commit, the
table is unchanged; run it again.

Older versions show the events until vacuum deletes the old files, 7 days later (or longer, if
delta.deletedFileRetentionDuration is). The statistics of the old files, which quote the beginning of their smallest
and largest values, stay in the log until its clean-up, 30 days later. The command prints both times. An event that is
delivered or replayed again after that is a new one: see docs/data.md for all places that may hold it.

Records of duplicates with other content (pipeline lake conflicts) are erased at once, if the table has no row of their
event any more.

${FILTER_HELP}  --correlation ID   the same as --correlation-id
${WHERE_HELP}  --reason TEXT      why; stored in the log as given, so name a ticket and no person
  --dry-run          only count
  --yes              do not ask; required without a terminal
  --json             print JSON, and nothing else, on standard output
${STATE_HELP}${PLACE_HELP}
Needs roles/storage.objectUser on the table's bucket and on the bucket of records, to list, read, create and delete
objects.
`,

  parse(args, env) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...STATE_OPTIONS,
      ...FILTER_OPTIONS,
      correlation: { type: 'string', multiple: true },
      where: { type: 'string', multiple: true },
      reason: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    const now = Date.now();
    const { correlation = [], where = [] } = values;
    const ids = [...(values['correlation-id'] ?? []), ...correlation];
    const filter = toFilter({ ...values, ...(ids.length > 0 && { 'correlation-id': ids }) }, now);
    if (Object.keys(filter).length === 0 && where.length === 0) {
      throw new UsageError('a filter must be given: --id, --correlation, --where or another');
    }
    const isDryRun = values['dry-run'];
    const reason = isDryRun ? (values.reason ?? 'dry run') : checkReason(values.reason);
    if (!isDryRun && !values.yes && !canAsk()) throw needsYes();
    const options = { filter, where, now, reason, isDryRun, isSure: values.yes, isJson: values.json };
    const stateOf = ({ place }: Lake) => stateStore(place, values['state-bucket'], env);
    return { place: values, run: (lake) => run(lake, { ...options, state: stateOf(lake) }) };
  },
};

interface Options {
  filter: Filter;
  where: string[];
  now: number;
  reason: string;
  isDryRun: boolean;
  isSure: boolean;
  isJson: boolean;
  /** Where records are, if known. */
  state: ObjectStore | undefined;
}

async function run(lake: Lake, options: Options): Promise<number> {
  const { openTable, out, progress, signal, clock, place } = lake;
  const table = await openTable();
  const { fields } = await table.snapshot({ signal });
  const filter = withWhere(options.filter, options.where, fields, options.now);
  refuseValues(options.reason, filter);
  const act = async (dryRun: boolean): Promise<EraseOutcome> => {
    let now = '';
    progress.start(() => `erase: ${now}`);
    const outcome = await eraseRows(table, filter, {
      reason: options.reason,
      by: currentUser(),
      dryRun,
      clock,
      signal,
      onProgress({ filesSeen, filesToSee, rows, filesRewritten }) {
        now = `${count(filesSeen)} of ${counted(filesToSee, 'file')}, ${counted(rows, 'event')} found, ${counted(filesRewritten, 'file')} rewritten`;
      },
    });
    progress.stop();
    return outcome;
  };
  if (!options.isDryRun && !options.isSure) {
    const { rows, files } = await act(true);
    if (rows > 0) {
      await confirm(
        `erase ${counted(rows, 'event')} of ${counted(files, 'file')} from ${place.url}?`,
        signal,
      );
    }
  }
  const outcome = await act(options.isDryRun);
  // also if nothing matched: an earlier run may have been stopped between the two
  const records = options.isDryRun ? undefined : await eraseConflicts(lake, options.state);
  if (options.isJson) {
    await out.json({ ...outcome, conflictRecords: records?.deleted ?? null, isDryRun: options.isDryRun });
  } else {
    for (const line of linesOf(outcome, options.isDryRun)) await out.line(line);
    if (records?.deleted) {
      await out.line(`${counted(records.deleted, 'record')} of duplicates with other content deleted`);
    }
  }
  if (records?.problem !== undefined) {
    progress.note(`records of duplicates with other content may be left: ${records.problem}`);
    return 1;
  }
  if (outcome.isComplete) return 0;
  progress.note('matching events keep arriving: stop their producer, then run the same command again');
  return 1;
}

function linesOf(outcome: EraseOutcome, isDryRun: boolean): string[] {
  const { rows, files, rowsCopied, bytesWritten, versions, filesUntil, logUntil } = outcome;
  const found = `${counted(rows, 'event')} of ${counted(files, 'file')}`;
  if (isDryRun) return [`${found} would be erased (dry run)`];
  if (versions.length === 0) return ['no event matches'];
  const until = (time: Date | undefined): string =>
    time === undefined ? 'never' : `after ${formatMicros(BigInt(time.getTime()) * 1_000n)}`;
  return [
    `${found} erased in version ${versions.join(', ')}: ${counted(rowsCopied, 'other event')} copied, ${bytesText(bytesWritten)} written`,
    `not final yet: older versions show them until "pipeline lake vacuum" or maintainTable deletes their files: ${until(filesUntil)}`,
    `the log quotes beginnings of values of those files until maintainTable cleans it up: ${until(logUntil)}`,
    'an event that is delivered or replayed again comes back: docs/data.md lists other places that may hold it',
  ];
}

function checkReason(given: string | undefined): string {
  const reason = given?.trim();
  if (reason === undefined) throw new UsageError('--reason must be given: it is stored in the log');
  if (reason !== '' && reason.length <= MAX_REASON) return reason;
  throw new UsageError(`--reason must be 1 to ${MAX_REASON} characters, got ${quoted(reason)}`);
}

/** The log keeps the reason, so it must not contain the values to erase. */
function refuseValues(reason: string, filter: Filter): void {
  for (const [column, { eq, in: list = [] }] of Object.entries(filter)) {
    const isQuoted = [eq, ...list].some(
      (value) => typeof value === 'string' && value.length >= 4 && reason.includes(value),
    );
    if (isQuoted) {
      throw new UsageError(`--reason must not contain the ${column} to erase: it is stored in the log`);
    }
  }
}
