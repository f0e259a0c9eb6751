import { printable } from '../../local/terminal-text.ts';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import { deadLetterMessage } from '../../shared/dead-letters/dead-letter-message.ts';
import { REFUSED_PREFIX, type RefusedRecord } from '../../shared/invocation/refusals.ts';
import { readRecord, writeRecord } from '../../shared/records/record.ts';
import { tableLines } from '../common/columns.ts';
import { currentUser } from '../common/current-user.ts';
import { bytesText, count, counted } from '../common/numbers.ts';
import { Failure, parseCommand, quoted, UsageError } from '../common/options.ts';
import { openPublisher } from '../common/publisher.ts';
import type { Dlq, DlqSubcommand } from './dlq.ts';
import { shortTime } from './groups.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { parseReason } from './reason.ts';
import { savePayload } from './save-payload.ts';

const READS_AT_A_TIME = 16;

export const refused: DlqSubcommand = {
  summary: 'shows, puts back or discards refused events that have no dead letter',
  help: `usage: pipeline dlq refused [<event id>...] [options]

Events that a function refused and kept as a record, not as a dead letter: because the event came back to a function
that had refused it before, or because the function has no DEAD_LETTER_TOPIC. An argument is the beginning of an
event's id, 4 digits or more. Without an option, the events are listed.

  --put-back         publish them to the dead-letter topic; the dead letter replaces the record, which is deleted
  --discard          settle them; requires --reason TEXT
  --payload FILE     save the event that the function received, as JSON, in this new file
  --all              with --put-back or --discard: all of them; in a list: discarded ones, too
${PLACE_HELP}`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      'put-back': { type: 'boolean', default: false },
      discard: { type: 'boolean', default: false },
      reason: { type: 'string' },
      payload: { type: 'string' },
      all: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    const wrong = positionals.find((id) => !/^[0-9a-f]{4,64}$/.test(id));
    if (wrong !== undefined)
      throw new UsageError(`an event id must be 4 to 64 hex digits, got ${quoted(wrong)}`);
    const { 'put-back': putBack, discard, payload, all } = values;
    if (Number(putBack) + Number(discard) + Number(payload !== undefined) > 1) {
      throw new UsageError('--put-back, --discard and --payload cannot be combined');
    }
    if ((putBack || discard) && all === positionals.length > 0) {
      throw new UsageError('nothing selected: name events or pass --all');
    }
    if (payload !== undefined && (payload === '' || positionals.length !== 1)) {
      throw new UsageError('--payload needs the name of a new file and exactly one event id');
    }
    const options: Options = {
      ids: positionals,
      action: putBack ? 'put-back' : discard ? 'discard' : payload === undefined ? 'list' : 'save',
      reason: discard ? parseReason(values.reason) : '',
      file: payload ?? '',
      isAll: all,
      isJson: values.json,
    };
    return { place: values, run: (dlq) => run(dlq, options) };
  },
};

interface Options {
  /** Empty for all. */
  ids: string[];
  action: 'list' | 'put-back' | 'discard' | 'save';
  reason: string;
  file: string;
  isAll: boolean;
  isJson: boolean;
}

interface Kept {
  /** Name of the object, without its extension. */
  name: string;
  function: string;
  eventId: string;
  isDiscarded: boolean;
}

async function run(dlq: Dlq, options: Options): Promise<number> {
  const { out, state, signal, place } = dlq;
  const { ids, action, reason, file, isAll, isJson } = options;
  const all = await listKept(dlq);
  const chosen = all.filter(({ eventId }) => ids.length === 0 || ids.some((id) => eventId.startsWith(id)));
  const missing = ids.filter((id) => !all.some(({ eventId }) => eventId.startsWith(id)));
  if (missing.length > 0) throw new Failure(`no refused event begins with ${missing.join(', ')}`);
  const open = chosen.filter(({ isDiscarded }) => !isDiscarded || (action === 'list' && isAll));
  const records = await mapConcurrent(open, READS_AT_A_TIME, async (kept) => {
    const record = await readRecord<RefusedRecord>(state, `${kept.name}.json`, { signal });
    return record && { ...kept, record };
  });
  const found = records.filter((one) => one !== undefined);
  if (action === 'save') {
    const [first, ...more] = found;
    if (!first || more.length > 0)
      throw new Failure(`${ids[0]} is ambiguous, it matches ${found.length} events: give more digits`);
    const { event, eventStart } = first.record;
    await savePayload(file, Buffer.from(eventStart ?? JSON.stringify(event)));
    await out.line(
      `payload saved in ${printable(file)}${eventStart === undefined ? '' : ' (only the beginning was kept)'}`,
    );
    return 0;
  }
  if (action === 'put-back') return putBack(dlq, found, isJson);
  if (action === 'discard') {
    const [by, at] = [currentUser(), new Date(dlq.clock.now()).toISOString()];
    for (const { name, function: functionName, eventId } of found) {
      const note = { schemaVersion: 1, function: functionName, eventId, reason, by, at };
      await writeRecord(state, `${name}.discarded.json`, note, { signal });
    }
    if (isJson) await out.json({ discarded: found.map(({ eventId }) => eventId) });
    else await out.line(`${counted(found.length, 'refused event')} discarded`);
    return 0;
  }
  if (isJson) {
    await out.json({ refused: found.map(({ record, isDiscarded }) => ({ ...record, isDiscarded })) });
    return 0;
  }
  const rows = found.map(({ record, isDiscarded, eventId }) => [
    eventId.slice(0, 12),
    isDiscarded ? 'discarded' : 'open',
    record.function,
    record.code,
    shortTime(record.at),
    bytesText(record.eventBytes),
    record.reason,
  ]);
  const head = ['event', 'status', 'function', 'code', 'refused', 'size', 'why'];
  const limits = [{}, {}, { widest: 24 }, { widest: 20 }, {}, {}, { widest: 300, narrowest: 20 }];
  const cells = rows.map((row) => row.map((cell) => printable(String(cell).slice(0, 500))));
  if (rows.length > 0)
    for (const line of tableLines([head, ...cells], limits, out.width)) await out.line(line);
  const next = rows.length === 0 ? '' : `; see ${place.command('refused --help')}`;
  await out.line(`${counted(rows.length, 'refused event')} without a dead letter${next}`);
  return 0;
}

async function putBack(
  { place, state, signal, out }: Dlq,
  found: readonly (Kept & { record: RefusedRecord })[],
  isJson: boolean,
): Promise<number> {
  const { project, deadLetterTopic } = place;
  if (project === undefined) {
    throw new UsageError("--project or GOOGLE_CLOUD_PROJECT must be given: the topic's project");
  }
  const whole = found.filter(({ record }) => record.eventStart === undefined);
  const publishing = openPublisher(place, project, signal);
  try {
    for (const { name, record } of whole) {
      signal.throwIfAborted();
      const { function: functionName, eventId, code, reason, at, event: input } = record;
      const error = { code, message: reason };
      const message = deadLetterMessage({ function: functionName, eventId, error, input, at: new Date(at) });
      await publishing.publish(deadLetterTopic, [message]);
      await state.delete(`${name}.json`, { signal });
    }
  } finally {
    publishing.close();
  }
  const cut = found.length - whole.length;
  if (isJson) await out.json({ putBack: whole.map(({ eventId }) => eventId), left: cut });
  else {
    await out.line(
      `${counted(whole.length, 'refused event')} put back: the inspector turns them into dead letters`,
    );
    if (cut > 0)
      await out.line(`${count(cut)} skipped: only the beginning of an event above 256 KiB is kept`);
  }
  return cut > 0 ? 1 : 0;
}

/** Lists the refused events of all functions, sorted by name. */
export async function listKept({ state, signal }: Pick<Dlq, 'state' | 'signal'>): Promise<Kept[]> {
  const kept = new Map<string, Kept>();
  const discarded = new Set<string>();
  for await (const { name } of state.list({ prefix: REFUSED_PREFIX, signal })) {
    const found = /^(refused\/(\w{1,63})\/([0-9a-f]{64}))(\.discarded)?\.json$/.exec(name);
    if (!found) continue;
    const [, base = '', functionName = '', eventId = '', note] = found;
    if (note === undefined)
      kept.set(base, { name: base, function: functionName, eventId, isDiscarded: false });
    else discarded.add(base);
  }
  return [...kept.values()].map((one) => ({ ...one, isDiscarded: discarded.has(one.name) }));
}
