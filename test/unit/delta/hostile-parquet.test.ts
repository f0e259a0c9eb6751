import { expect, test } from 'vitest';
import { DeltaError } from '../../../shared/delta/index.ts';
import { readCheckpoint } from '../../../shared/delta/snapshot/checkpoint-read.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { fixedTable, withFile } from '../../hostile/mutations/kinds/delta-log.ts';

const NAME = 'events/_delta_log/00000000000000000002.checkpoint.parquet';

async function checkpoint(store: ObjectStore, body: Uint8Array): Promise<unknown> {
  const files = [{ path: NAME.slice('events/'.length), size: body.length }];
  const location = { store: withFile(store, NAME, body), path: 'events' };
  return readCheckpoint(location, { version: 2, files });
}

test('a group of columns with -1 children causes no endless loop', async () => {
  const store = await fixedTable();
  const body = Buffer.from((await store.get(NAME))!.body);
  expect(await checkpoint(store, body)).toMatchObject({ version: 2 });
  // the name of the group `txn` in the footer's schema, the header of the next field, and its three children
  const at = body.lastIndexOf(Buffer.from([0x03, ...Buffer.from('txn'), 0x15, 0x06]));
  expect(at).toBeGreaterThan(0);
  body[at + 5] = 0x01;
  await expect(checkpoint(store, body)).rejects.toThrow(DeltaError);
});
