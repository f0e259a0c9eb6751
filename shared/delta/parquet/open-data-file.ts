import { DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import { openParquet, type ParquetFile } from './parquet-file.ts';

/**
 * Opens a live data file by its decoded path and its `add`. Throws `unsupported-table` for a file with a deletion
 * vector, since its deleted rows would come back, and what `openParquet` throws.
 */
export async function openDataFile(
  location: TableLocation,
  path: string,
  { size, deletionVector }: Pick<AddFile, 'size' | 'deletionVector'>,
  signal?: AbortSignal,
): Promise<ParquetFile> {
  if (deletionVector !== undefined) {
    throw new DeltaError(
      'unsupported-table',
      `data file ${path} has a deletion vector, which is not supported`,
    );
  }
  return openParquet(location, path, size, signal);
}
