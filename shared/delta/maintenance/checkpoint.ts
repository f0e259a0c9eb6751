import type { SchemaElement } from 'hyparquet';
import type { ColumnSource } from 'hyparquet-writer';
import { type Clock, systemClock } from '../../core/clock.ts';
import { parseJson, stringifyJson } from '../json.ts';
import type { RemoveFile } from '../log/actions.ts';
import { checkpointPath, LAST_CHECKPOINT, objectName, type TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import { fileRetentionMs } from '../log/table-properties.ts';
import { encodeParquet } from '../parquet/data-file.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

export interface CheckpointOutcome {
  version: number;
  /** Number of actions in it. */
  actions: number;
  /** Size in bytes. */
  size: number;
}

/**
 * Writes the classic checkpoint of the snapshot's version (PROTOCOL.md, "Checkpoints", V1 spec): every remaining
 * action, one per row, without provenance and expired tombstones. Safe beside writers and concurrent checkpoints.
 * Throws `unsupported-table` if the table may have actions unknown here.
 */
export async function writeCheckpoint(
  location: TableLocation,
  snapshot: Snapshot,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<CheckpointOutcome> {
  checkWritable(snapshot.protocol, snapshot.metadata);
  const { rows, addFiles } = checkpointRows(snapshot, clock.now());
  const columns = COLUMNS.map((name) => ({
    name,
    data: rows.map((row) => row[name] ?? null) as ColumnSource['data'],
    statistics: false,
  }));
  // every reader supports snappy, and a checkpoint is read by all of them
  const body = encodeParquet(SCHEMA, columns, { codec: 'snappy' });
  const { version } = snapshot;
  await location.store.putIfAbsent(objectName(location, checkpointPath(version)), body);
  const hint = { version, size: rows.length, sizeInBytes: body.length, numOfAddFiles: addFiles };
  await pointAt(location, version, new TextEncoder().encode(stringifyJson(hint)));
  return { version, actions: rows.length, size: body.length };
}

/** Tombstones that still protect their files from vacuum. */
export function unexpiredTombstones(snapshot: Snapshot, now: number): RemoveFile[] {
  const oldest = now - fileRetentionMs(snapshot.metadata);
  return [...snapshot.tombstones.values()].filter(({ deletionTimestamp = 0 }) => deletionTimestamp >= oldest);
}

type CheckpointRow = Partial<Record<(typeof COLUMNS)[number], Record<string, unknown>>>;

function checkpointRows(snapshot: Snapshot, now: number): { rows: CheckpointRow[]; addFiles: number } {
  const { protocol, metadata } = snapshot;
  const big = (value: number | bigint | undefined): bigint | null =>
    value === undefined ? null : BigInt(value);
  const rows: CheckpointRow[] = [
    { protocol: { ...protocol } },
    { metaData: { ...metadata, createdTime: big(metadata.createdTime) } },
  ];
  for (const { appId, version, lastUpdated } of snapshot.txns.values()) {
    rows.push({ txn: { appId, version: big(version), lastUpdated: big(lastUpdated) } });
  }
  for (const remove of unexpiredTombstones(snapshot, now)) {
    const { deletionTimestamp, size } = remove;
    rows.push({
      remove: { ...remove, dataChange: false, deletionTimestamp: big(deletionTimestamp), size: big(size) },
    });
  }
  for (const add of snapshot.files.values()) {
    const { size, modificationTime } = add;
    rows.push({
      add: { ...add, dataChange: false, size: big(size), modificationTime: big(modificationTime) },
    });
  }
  return { rows, addFiles: snapshot.files.size };
}

/** Points the hint at the checkpoint, unless it already points to a later one. Losing the race is harmless. */
async function pointAt(location: TableLocation, version: number, body: Uint8Array): Promise<void> {
  const name = objectName(location, LAST_CHECKPOINT);
  const stored = await location.store.get(name, { withoutMetadata: true });
  if (stored === undefined) {
    await location.store.putIfAbsent(name, body, { contentType: 'application/json' });
    return;
  }
  if (hintedVersion(stored.body) >= version) return;
  await location.store.replaceIf(name, stored.facts.generation, body, { contentType: 'application/json' });
}

function hintedVersion(body: Uint8Array): number {
  try {
    const hint = parseJson(new TextDecoder().decode(body));
    return Number(typeof hint === 'object' && hint !== null && 'version' in hint ? hint.version : -1);
  } catch {
    return -1;
  }
}

const COLUMNS = ['txn', 'add', 'remove', 'metaData', 'protocol'] as const;

const text = (name: string): SchemaElement => ({
  name,
  repetition_type: 'OPTIONAL',
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
});
const long = (name: string): SchemaElement => ({ name, repetition_type: 'OPTIONAL', type: 'INT64' });
const int = (name: string): SchemaElement => ({ name, repetition_type: 'OPTIONAL', type: 'INT32' });
const flag = (name: string): SchemaElement => ({ name, repetition_type: 'OPTIONAL', type: 'BOOLEAN' });
const group = (name: string, children: number, ...leaves: SchemaElement[]): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: children },
  ...leaves,
];
const textMap = (name: string): SchemaElement[] => [
  {
    name,
    repetition_type: 'OPTIONAL',
    num_children: 1,
    converted_type: 'MAP',
    logical_type: { type: 'MAP' },
  },
  { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
  { ...text('key'), repetition_type: 'REQUIRED' },
  text('value'),
];
const textList = (name: string): SchemaElement[] => [
  {
    name,
    repetition_type: 'OPTIONAL',
    num_children: 1,
    converted_type: 'LIST',
    logical_type: { type: 'LIST' },
  },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  text('element'),
];

/** "Checkpoint Schema", without the parsed forms of statistics and partition values. */
const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: COLUMNS.length },
  ...group('txn', 3, text('appId'), long('version'), long('lastUpdated')),
  ...group('add', 7, text('path'), ...textMap('partitionValues'), long('size'), long('modificationTime')),
  ...[flag('dataChange'), text('stats'), ...textMap('tags')],
  ...group('remove', 6, text('path'), long('deletionTimestamp'), flag('dataChange')),
  ...[flag('extendedFileMetadata'), ...textMap('partitionValues'), long('size')],
  ...group('metaData', 8, text('id'), text('name'), text('description')),
  ...group('format', 2, text('provider'), ...textMap('options')),
  ...[
    text('schemaString'),
    ...textList('partitionColumns'),
    ...textMap('configuration'),
    long('createdTime'),
  ],
  ...group('protocol', 2, int('minReaderVersion'), int('minWriterVersion')),
];
