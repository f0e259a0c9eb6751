import { DeltaError } from '../delta-error.ts';
import type { Metadata, Protocol } from './actions.ts';
import { parseSchema, unreadableColumn, unwritableColumn } from './schema.ts';

/** What new tables declare: the lowest versions, which every engine reads and writes. */
export const OUR_PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** Reader features that require nothing beyond what this reader does. */
const READABLE: ReadonlySet<string> = new Set(['timestampNtz', 'vacuumProtocolCheck']);

/**
 * Throws `unsupported-table` unless this library can read the table ("Reader Version Requirements"). Features that
 * only writers need do not matter.
 */
export function checkReadable(protocol: Protocol, metadata: Metadata): void {
  const { minReaderVersion, readerFeatures = [] } = protocol;
  if (minReaderVersion > 3 || (minReaderVersion === 2 && usesColumnMapping(metadata))) {
    throw unsupported(`needs reader version ${minReaderVersion}; versions 1 and 3 are supported`);
  }
  const unknown = minReaderVersion === 3 ? readerFeatures.filter((name) => !READABLE.has(name)) : [];
  if (unknown.length > 0) {
    throw unsupported(
      `needs the reader features ${unknown.join(', ')}; supported are ${[...READABLE].join(', ')}`,
    );
  }
  const column = unreadableColumn(parseSchema(metadata.schemaString));
  if (column !== undefined) throw unsupported(column);
  if (metadata.format.provider !== 'parquet') {
    throw unsupported(`stores its data as ${metadata.format.provider}; only parquet is supported`);
  }
}

/**
 * Throws `unsupported-table` unless this library may write to the table ("Writer Version Requirements").
 * Also asked before a checkpoint, a clean-up and a vacuum: those need to know every action there is.
 */
export function checkWritable(protocol: Protocol, metadata: Metadata): void {
  checkReadable(protocol, metadata);
  const { minReaderVersion, minWriterVersion } = protocol;
  if (minReaderVersion > 1 || minWriterVersion > 2) {
    throw unsupported(
      `needs reader version ${minReaderVersion} and writer version ${minWriterVersion}; only tables of versions up to 1 and 2 can be written`,
    );
  }
  if (metadata.partitionColumns.length > 0) {
    throw unsupported(
      `is partitioned by ${metadata.partitionColumns.join(', ')}; only unpartitioned tables can be written`,
    );
  }
  const column = unwritableColumn(parseSchema(metadata.schemaString));
  if (column !== undefined) throw unsupported(column);
}

function usesColumnMapping(metadata: Metadata): boolean {
  const mode = metadata.configuration['delta.columnMapping.mode'];
  return mode !== undefined && mode !== 'none';
}

function unsupported(what: string): DeltaError {
  return new DeltaError('unsupported-table', `the table ${what}`);
}
