import { DeltaError } from '../../../../shared/delta/index.ts';
import { type Column, parseSchema, type Row, schemaStringOf } from '../../../../shared/delta/log/schema.ts';
import { DEFAULT_CODEC } from '../../../../shared/delta/parquet/codec.ts';
import { writeDataFile } from '../../../../shared/delta/parquet/data-file.ts';
import { matchingRowGroups, openParquet, readRows } from '../../../../shared/delta/parquet/parquet-file.ts';
import { readCheckpoint } from '../../../../shared/delta/snapshot/checkpoint-read.ts';
import { IdLookup } from '../../../../shared/delta/unique/id-lookup.ts';
import { createMemoryStorage } from '../../../../shared/storage/memory.ts';
import { type MutationKind, mutantsOf, sometimesAsIs } from '../kind.ts';
import { fixedTable, withFile } from './delta-log.ts';

const COLUMNS: Column[] = [
  { name: 'id', type: 'string', nullable: false },
  { name: 'n', type: 'long' },
  { name: 'at', type: 'timestamp' },
  { name: 'note', type: 'string' },
  { name: 'flag', type: 'boolean' },
  { name: 'x', type: 'double' },
];
const ROWS: Row[] = Array.from({ length: 60 }, (_, n) => ({
  id: `id-${String(n).padStart(4, '0')}`,
  n: n % 3 === 0 ? undefined : BigInt(n) * 2n ** 40n,
  at: new Date(n * 1_000),
  note: n % 2 === 0 ? `note ${n % 4}` : undefined,
  flag: n % 5 === 0,
  x: n / 7,
}));
/** Codecs that this version of Node can write. */
const CODECS = [...new Set([DEFAULT_CODEC, 'snappy', 'gzip', 'uncompressed'] as const)];
const FILE = 'part-00001.parquet';

/** Data files and checkpoints with mutated footers and pages: scans, id lookups, snapshots. */
export const parquet: MutationKind = {
  async open() {
    const fields = parseSchema(schemaStringOf(COLUMNS));
    const seeds = CODECS.flatMap((codec) => [
      writeDataFile(fields, ROWS, { codec, idColumn: 'id', rowGroupRows: 40 }).body,
      writeDataFile(fields, ROWS, { codec }).body,
    ]);
    const table = await fixedTable();
    for await (const { name } of table.list({ prefix: 'events/_delta_log/' })) {
      if (name.endsWith('.parquet')) seeds.push((await table.get(name))!.body);
    }
    const empty = createMemoryStorage().bucket('lake');
    return {
      make: sometimesAsIs(seeds, mutantsOf(seeds)),
      async read(bytes) {
        const location = { store: withFile(empty, `events/${FILE}`, bytes), path: 'events' };
        const add = {
          path: FILE,
          partitionValues: {},
          size: bytes.length,
          modificationTime: 0,
          dataChange: true,
        };
        const lookup = new IdLookup(location, 'id');
        const files = [{ path: FILE, size: bytes.length }];
        const endings = await Promise.all([
          planned(async () => {
            const file = await openParquet(location, FILE, bytes.length);
            for (const range of await matchingRowGroups(file, [])) {
              await readRows(file, range, ['id', 'n', 'at', 'note', 'flag', 'x']);
            }
          }),
          planned(() => lookup.findLive([{ id: 'id-0007', path: FILE, add }])),
          planned(() => readCheckpoint(location, { version: 1, files })),
        ]);
        return endings.includes(true) ? 'read' : 'refused';
      },
    };
  },
};

/** False if the file was found to be damaged. */
async function planned(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof DeltaError)) throw error;
    return false;
  }
}
