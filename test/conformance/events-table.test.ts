import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { COLUMNS, rowOf } from '../../functions/ingest/events-table.ts';
import { DeltaTable, type Row } from '../../shared/delta/index.ts';
import { LENIENT, parseIncomingMessage } from '../../shared/events/incoming-message.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import { engine, findPython } from '../helpers/delta-engines.ts';
import { dirStore } from '../helpers/dir-store.ts';
import { startMemoryIngest } from '../helpers/ingest-memory.ts';
import { messageEvent, structured } from '../helpers/messages.ts';

const python = findPython() ?? '';
if (python === '') {
  console.log('events table conformance did not run: no python3 here imports deltalake, duckdb and pyarrow');
}

const root = mkdtempSync(join(tmpdir(), 'events-conformance-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** A row as written before the trace column existed. */
function oldRow(input: unknown): Row {
  const { message, read } = parseIncomingMessage(input, LENIENT);
  const [outcome] = read.outcomes;
  if (outcome?.kind !== 'event') throw new Error('no event');
  const { trace_id: _, ...row } = rowOf(outcome.event, message, Date.now());
  return row;
}

describe.runIf(python !== '')('a table of events from before the trace column', () => {
  test('gets the column from ingest, keeps each event once, and other engines read it', async () => {
    const store = dirStore(root);
    const old = COLUMNS.filter(({ name }) => name !== 'trace_id');
    const table = await DeltaTable.create(store, 'events', { columns: old });
    const before = ['o-1', 'o-2', 'o-3'].map((id) => messageEvent(structured({ id })));
    const rows = before.map(oldRow);
    await table.append(rows);
    await table.checkpoint();

    const others = createMemoryStorage();
    const storage = { bucket: (name: string) => (name === 'lake' ? store : others.bucket(name)) };
    const ingest = startMemoryIngest({ storage });
    // an event already stored, one with a trace, and one without
    await ingest.deliver(before[0]);
    await ingest.deliver(
      messageEvent(structured({ id: 'o-4', traceparent: `00-${TRACE}-b7ad6b7169203331-01` })),
    );
    await ingest.deliver(messageEvent(structured({ id: 'o-5' })));
    expect(ingest.logs.filter(({ severity }) => severity === 'ERROR')).toEqual([]);

    const expected = Object.fromEntries(
      (await ingest.rows()).map((row) => [row['event_id'], row['ce_id'] === 'o-4' ? TRACE : null]),
    );
    expect(Object.values(expected).filter((trace) => trace !== null)).toEqual([TRACE]);
    expect(Object.keys(expected)).toEqual(expect.arrayContaining(rows.map((row) => row['event_id'])));
    expect(Object.keys(expected)).toHaveLength(5);
    const path = join(root, 'events');
    const files = async () => [...(await table.snapshot()).files.keys()].map((name) => join(path, name));
    expect(engine(python, 'cells', path, 'event_id', 'trace_id')).toEqual(expected);
    expect(engine(python, 'duck_cells', 'event_id', 'trace_id', ...(await files()))).toEqual(expected);

    await table.compact({ idColumn: 'event_id', minFiles: 2 });
    expect(await files()).toHaveLength(1);
    expect(engine(python, 'cells', path, 'event_id', 'trace_id')).toEqual(expected);
    expect(engine(python, 'duck_cells', 'event_id', 'trace_id', ...(await files()))).toEqual(expected);
  });
});
