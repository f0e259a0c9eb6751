import { parquetReadObjects } from 'hyparquet';
import { corrupt, DeltaError } from '../delta-error.ts';
import { type Json, parseJson } from '../json.ts';
import { type Commit, collectActions } from '../log/actions.ts';
import type { ListedCheckpoint } from '../log/listing.ts';
import { LAST_CHECKPOINT, objectName, type TableLocation } from '../log/paths.ts';
import { decompressors, parsers } from '../parquet/codec.ts';
import { checkedPages } from '../parquet/page-check.ts';
import { openParquet } from '../parquet/parquet-file.ts';

const ACTIONS = ['protocol', 'metaData', 'add', 'remove', 'txn', 'sidecar'];

/** The version that `_last_checkpoint` points to. It is only a hint: undefined if it is missing, wrong or unreadable. */
export async function readLastCheckpoint(
  location: TableLocation,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const name = objectName(location, LAST_CHECKPOINT);
  const stored = await location.store.get(name, { withoutMetadata: true, signal });
  if (stored === undefined) return undefined;
  let hint: Json;
  try {
    hint = parseJson(new TextDecoder().decode(stored.body));
  } catch {
    return undefined;
  }
  const version = typeof hint === 'object' && hint !== null && 'version' in hint ? hint.version : undefined;
  return Number.isSafeInteger(version) && (version as number) >= 0 ? (version as number) : undefined;
}

/** All actions of a classic or multi-part checkpoint, as if one commit had made them. */
export async function readCheckpoint(
  location: TableLocation,
  { version, files }: ListedCheckpoint,
  signal?: AbortSignal,
): Promise<Commit> {
  const where = `the checkpoint of version ${version}`;
  const actions: unknown[] = [];
  for (const { path, size } of files) {
    const parquet = await openParquet(location, path, size, signal);
    const columns = ACTIONS.filter((name) => parquet.columns.has(name));
    try {
      const rows = await parquetReadObjects({
        file: checkedPages(parquet.file, parquet.metadata, parquet.metadata.row_groups),
        metadata: parquet.metadata,
        columns,
        compressors: decompressors,
        parsers,
        // without it, binary columns would be decoded as text
        utf8: false,
      });
      for (const row of rows) actions.push(row);
    } catch (error) {
      if (error instanceof DeltaError || (error instanceof Error && error.name === 'AppError')) throw error;
      throw corrupt(`${where} is not readable Parquet`, error);
    }
  }
  const commit = collectActions(version, actions, where);
  if (!commit.protocol || !commit.metadata)
    throw corrupt(`${where} must have a protocol and a metaData action`);
  return commit;
}
