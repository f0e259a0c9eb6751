import { type Column, DeltaError } from '../../../../shared/delta/index.ts';
import { type Action, encodeActions, parseCommit } from '../../../../shared/delta/log/actions.ts';
import { commitPath } from '../../../../shared/delta/log/paths.ts';
import { parseSchema, schemaStringOf } from '../../../../shared/delta/log/schema.ts';
import { parseStats } from '../../../../shared/delta/log/stats.ts';
import { writeCheckpoint } from '../../../../shared/delta/maintenance/checkpoint.ts';
import { writeDataFile } from '../../../../shared/delta/parquet/data-file.ts';
import { loadSnapshot } from '../../../../shared/delta/snapshot/snapshot.ts';
import {
  fingerprintInfo,
  fingerprintsIn,
  fingerprintsOf,
} from '../../../../shared/delta/unique/id-fingerprint.ts';
import { createMemoryStorage } from '../../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../../shared/storage/object-store.ts';
import type { MutationKind } from '../kind.ts';
import { below, mutateBytes, NASTY_TOKENS, pick } from '../mutate.ts';

const COLUMNS: Column[] = [
  { name: 'id', type: 'string', nullable: false },
  { name: 'n', type: 'long' },
  { name: 'at', type: 'timestamp' },
];
const TIME = 1_763_683_200_000;
const CLOCK = { now: () => TIME, sleep: async () => {} };
const LOG = 'events/_delta_log/';
const TOKENS = [
  '"add":',
  '"remove":',
  '"protocol":',
  '"metaData":',
  '"path":"',
  '"sidecar":{}',
  '\n',
  '%2F..',
];

/** Loads a snapshot from the log of a small table with one log file mutated. */
export const deltaLog: MutationKind = {
  async open() {
    const store = await fixedTable();
    const names: string[] = [];
    for await (const { name } of store.list({ prefix: LOG })) names.push(name);
    const bodies = await Promise.all(names.map(async (name) => (await store.get(name))!.body));
    const all = [...NASTY_TOKENS, ...TOKENS, ...TOKENS];
    return {
      make(random) {
        const file = below(random, names.length);
        const body = mutateBytes(bodies[file]!, pick(random, bodies), random, all);
        return Buffer.concat([Buffer.from([file]), body]);
      },
      async read(bytes) {
        const name = names[bytes[0]! % names.length]!;
        const location = { store: withFile(store, name, bytes.subarray(1)), path: 'events' };
        try {
          const commit = parseCommit(1, bytes.subarray(1));
          for (const add of commit.adds) {
            parseStats(add.stats);
            fingerprintsIn(commit, add, 'id');
          }
        } catch (error) {
          if (!(error instanceof DeltaError)) throw error;
        }
        try {
          const snapshot = await loadSnapshot(location);
          void snapshot.fields.length;
          return 'read';
        } catch (error) {
          if (!(error instanceof DeltaError)) throw error;
          return 'refused';
        }
      },
    };
  },
};

/** A table of four commits and a checkpoint, the same in every run. */
export async function fixedTable(): Promise<ObjectStore> {
  const store = createMemoryStorage({ now: () => TIME }).bucket('lake');
  const put = (version: number, actions: readonly Action[]): Promise<unknown> =>
    store.putIfAbsent(`events/${commitPath(version)}`, encodeActions(actions));
  const schemaString = schemaStringOf(COLUMNS);
  await put(0, [
    { commitInfo: { timestamp: TIME, operation: 'CREATE TABLE', txnId: 't-0' } },
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: '5fba94ed-9794-4965-ba6e-6ee3c0d22af9',
        format: { provider: 'parquet', options: {} },
        schemaString,
        partitionColumns: [],
        configuration: { 'delta.appendOnly': 'false' },
        createdTime: TIME,
      },
    },
  ]);
  for (let version = 1; version < 4; version++) {
    const { stats } = writeDataFile(parseSchema(schemaString), rowsOf(version), { idColumn: 'id' });
    const path = `part-0000${version}.parquet`;
    const add = { path, partitionValues: {}, size: 900, modificationTime: TIME, dataChange: true, stats };
    const prefixes = fingerprintInfo('id', { [path]: fingerprintsOf(rowsOf(version).map(({ id }) => id)) });
    await put(version, [
      { commitInfo: { timestamp: TIME, operation: 'WRITE', idPrefixes: prefixes } },
      { txn: { appId: 'writer', version: 2n ** 60n, lastUpdated: TIME } },
      { add },
      ...(version === 3 ? [{ remove: { path: 'part-00001.parquet', dataChange: true } }] : []),
    ]);
    const location = { store, path: 'events' };
    if (version === 2) await writeCheckpoint(location, await loadSnapshot(location), { clock: CLOCK });
  }
  return store;
}

function rowsOf(version: number) {
  return [0n, 1n].map((n) => ({ id: `id-${version}-${n}`, n: 2n ** 60n + n, at: new Date(TIME) }));
}

/** The store with another body under one name. */
export function withFile(store: ObjectStore, changed: string, body: Uint8Array): ObjectStore {
  const facts = {
    name: changed,
    generation: '1',
    metageneration: '1',
    size: body.length,
    contentType: undefined,
    crc32c: '',
    metadata: {},
    updated: new Date(0),
  };
  return {
    ...store,
    stat: async (name, options) => (name === changed ? facts : store.stat(name, options)),
    get: async (name, options) => (name === changed ? { facts, body } : store.get(name, options)),
    getRange: async (name, offset, length, options) =>
      name === changed
        ? body.subarray(offset, offset + length)
        : store.getRange(name, offset, length, options),
  };
}
