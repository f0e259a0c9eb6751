import type { FileMetaData, SchemaElement } from 'hyparquet';
import { DeltaError } from '../delta-error.ts';

/** Scales of the decimal columns by name, and the file's metadata with those columns as plain numbers and bytes. */
export interface PlainDecimals {
  metadata: FileMetaData;
  scales: ReadonlyMap<string, number>;
}

/**
 * hyparquet makes doubles of decimals. Without their type it gives what is stored, from which `decimalText` makes the
 * exact number. Undefined if the file has no decimals. Throws `unsupported-table` for those inside others of these columns.
 */
export function plainDecimals(
  metadata: FileMetaData,
  path: string,
  columns: readonly string[],
): PlainDecimals | undefined {
  if (!metadata.schema.some(isDecimal)) return undefined;
  const scales = new Map<string, number>();
  const columnOf = columnsOf(metadata.schema);
  const schema = metadata.schema.map((element) => {
    const column = columnOf.get(element);
    if (!isDecimal(element) || column === undefined || !columns.includes(column.name)) return element;
    if (column !== element || element.repetition_type === 'REPEATED') {
      throw new DeltaError(
        'unsupported-table',
        `data file ${path} has decimals inside another column, at ${element.name}; this is not supported`,
      );
    }
    scales.set(element.name, element.scale ?? 0);
    const { converted_type: _, logical_type: __, ...plain } = element;
    return plain;
  });
  return { metadata: { ...metadata, schema }, scales };
}

/** `-12.30`: the digits that are stored, with the column's scale. */
export function decimalText(stored: unknown, scale: number): string | null {
  if (stored === null || stored === undefined) return null;
  const unscaled = stored instanceof Uint8Array ? bigEndian(stored) : BigInt(stored as number | bigint);
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  if (scale === 0) return `${sign}${digits}`;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function isDecimal({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL';
}

/** The top-level column that each element belongs to. */
function columnsOf(schema: readonly SchemaElement[]): Map<SchemaElement, SchemaElement> {
  const found = new Map<SchemaElement, SchemaElement>();
  let at = 1;
  const enter = (column: SchemaElement | undefined): void => {
    const element = schema[at++];
    if (element === undefined) return;
    found.set(element, column ?? element);
    for (let child = 0; child < (element.num_children ?? 0); child++) enter(column ?? element);
  };
  while (at < schema.length) enter(undefined);
  return found;
}

function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}
