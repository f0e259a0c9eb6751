import { printable } from '../../local/terminal-text.ts';
import { type Conflict, listConflicts, readConflicts } from '../../shared/lake/conflicts.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { tableLines } from '../common/columns.ts';
import { counted } from '../common/numbers.ts';
import { parseOptions, quoted, UsageError, wholeNumber } from '../common/options.ts';
import { neededState, STATE_HELP, STATE_OPTIONS } from './conflict-place.ts';
import type { Lake, LakeSubcommand } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';

export const conflicts: LakeSubcommand = {
  summary: 'lists events that were dropped because another one has their id',
  help: `usage: pipeline lake conflicts [options]

Duplicates with other content, newest first: an event came whose id and source are those of a row, but with another
type, subject or data. The row is kept and the later event is dropped, since any publisher can use another's id. Either
a producer reuses ids, or somebody publishes under another's name: the columns say when each came, and from where.

A record holds hashes instead of content, so the dropped event must be asked for at its publisher. Each other content is
recorded once, up to 16 of an event and 1,000 a day, for 90 days; the metric events_consumed_total counts all of them.

  --id EVENT_ID      only those of this event, by the column event_id
  --limit N          at most this many (default 20)
  --json             print JSON, and nothing else, on standard output
${STATE_HELP}${PLACE_HELP}
Needs roles/storage.objectViewer on the bucket of records.
`,

  parse(args, env) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...STATE_OPTIONS,
      id: { type: 'string' },
      limit: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const limit = wholeNumber('limit', values.limit, { min: 1, max: 100_000 }) ?? 20;
    const eventId = values.id?.toLowerCase();
    if (eventId !== undefined && !/^[0-9a-f]{64}$/.test(eventId)) {
      throw new UsageError(`--id must be the 64 hex digits of an event_id, got ${quoted(eventId)}`);
    }
    return {
      place: values,
      run: (lake) =>
        list(lake, {
          ...{ eventId, limit, isJson: values.json },
          state: neededState(lake.place, values['state-bucket'], env),
        }),
    };
  },
};

interface Options {
  state: ObjectStore;
  eventId: string | undefined;
  limit: number;
  isJson: boolean;
}

async function list(lake: Lake, { state, eventId, limit, isJson }: Options): Promise<number> {
  const { place, out, progress, signal } = lake;
  const entries = await listConflicts(state, place.path, { eventId, signal });
  const newest = entries.sort((a, b) => b.written.getTime() - a.written.getTime()).slice(0, limit);
  const found = await readConflicts(state, newest, signal);
  if (isJson) {
    await out.json(found);
    return 0;
  }
  if (found.length === 0) {
    await out.line('no duplicates with other content');
    return 0;
  }
  const rows = [TITLES, ...found.map(cellsOf)].map((cells) => cells.map(printable));
  for (const line of tableLines(rows, LIMITS, out.width)) await out.line(line);
  if (entries.length > found.length) {
    progress.note(`${found.length} of ${counted(entries.length, 'record')}; --limit N shows more`);
  }
  return 0;
}

const TITLES = [
  'dropped',
  'first row',
  'differs',
  'type',
  'id',
  'source',
  'from',
  'data',
  'stored data',
  'event_id',
];
const LIMITS = [
  ...[{}, {}, {}],
  ...[{ narrowest: 12 }, { narrowest: 12 }, { narrowest: 12 }, { narrowest: 8 }],
  ...[{}, {}, { widest: 64, narrowest: 12 }],
];
/** Digits of a hash that tell two contents apart. */
const SHORT = 12;

function cellsOf({ eventId, id, source, at, differs, stored, dropped }: Conflict): string[] {
  const { type, receivedFrom, messageId } = dropped;
  return [
    seconds(at),
    seconds(stored.ingestTime),
    differs.join(','),
    type ?? '-',
    id ?? '-',
    source ?? '-',
    receivedFrom ?? `message ${messageId ?? '?'}`,
    dropped.dataHash?.slice(0, SHORT) ?? '-',
    stored.dataHash?.slice(0, SHORT) ?? '-',
    eventId,
  ];
}

const seconds = (time: string | null): string => time?.replace(/\.\d+Z$/, 'Z') ?? '?';
