import { printable } from '../../local/terminal-text.ts';
import { type Filter, type Snapshot, selectRows } from '../../shared/delta/index.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import { bytesText, counted, secondsText } from '../common/numbers.ts';
import { Failure } from '../common/options.ts';
import type { Lake } from './lake.ts';
import { MESSAGE_COLUMNS, messageLine, orderKey, replayMessage } from './replay-message.ts';
import type { SortedLines } from './sorted-lines.ts';

export interface Picked {
  events: number;
  bytes: number;
  first: string | undefined;
  last: string | undefined;
  types: Map<string, number>;
}

/** Collects every matching event after the position `after`, as a message, for sorting. */
export async function pickMessages(
  { location, progress, signal, counts }: Lake,
  snapshot: Snapshot,
  filter: Filter,
  after: string | undefined,
  replayId: string,
  lines: SortedLines,
): Promise<Picked> {
  const known = new Set(snapshot.fields.map(({ name }) => name));
  const lacking = ['event_id', 'type', 'source', 'data'].filter((name) => !known.has(name));
  if (lacking.length > 0)
    throw new Failure(`the table has no ${lacking.join(', ')}: it is not a table of events`);
  const columns = MESSAGE_COLUMNS.filter((name) => known.has(name));
  const picked: Picked = { events: 0, bytes: 0, first: undefined, last: undefined, types: new Map() };
  progress.start(() => `replay: ${counted(picked.events, 'event')} found, ${bytesText(counts.bytes)} read`);
  for await (const rows of selectRows(location, snapshot, { columns, filter, keyColumn: EVENT_ID, signal })) {
    for (const row of rows) {
      const key = orderKey(row);
      if (after !== undefined && key <= after) continue;
      const text = messageLine(replayMessage(row, replayId));
      await lines.add({ key, text });
      picked.events++;
      picked.bytes += text.length;
      if (picked.first === undefined || key < picked.first) picked.first = key;
      if (picked.last === undefined || key > picked.last) picked.last = key;
      const type = String(row['type']);
      picked.types.set(type, (picked.types.get(type) ?? 0) + 1);
    }
    signal.throwIfAborted();
  }
  progress.stop();
  return picked;
}

const SHOWN_TYPES = 20;

export async function describePicked(
  { out }: Lake,
  picked: Picked,
  { topic, rate }: { topic: { name: string }; rate: number },
): Promise<void> {
  const { events, bytes, first, last, types } = picked;
  const time = (key: string | undefined): string => key?.slice(0, key.indexOf('/')) ?? '';
  await out.line(
    `${counted(events, 'event')}, ${bytesText(bytes)}, would be published to ${topic.name} (dry run)`,
  );
  if (events === 0) return;
  await out.line(`they came from ${time(first)} to ${time(last)}`);
  await out.line(`at ${rate} a second it takes ${secondsText((events / rate) * 1_000)}`);
  const most = [...types].sort(([, a], [, b]) => b - a).slice(0, SHOWN_TYPES);
  for (const [type, number] of most) await out.line(`${String(number).padStart(10)}  ${printable(type)}`);
  if (types.size > SHOWN_TYPES) await out.line(`and ${types.size - SHOWN_TYPES} more types`);
}
