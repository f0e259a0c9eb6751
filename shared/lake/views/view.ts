import type { Json } from '../../core/json-value.ts';
import type { Field } from './field-type.ts';
import { fieldsOf } from './fields.ts';
import { NameRegister, sqlName } from './names.ts';
import { mergeStructs, type Shape, type StructShape, shapeOf } from './schema-shape.ts';

export interface EventSchema {
  type: string;
  version: string;
  schema: Json;
}

/** A column of the events table. */
export interface EnvelopeColumn {
  name: string;
  comment?: string;
}

/** A view over the events of one type: of one version, or of all. */
export interface View {
  name: string;
  /** The view that counts what does not fit. */
  misfits: string;
  comment: string;
  type: string;
  /** Undefined for the view over all versions. */
  version: string | undefined;
  /** Versions that the type has, oldest first. An event without `dataschema` is of the last one. */
  versions: readonly string[];
  envelope: readonly EnvelopeColumn[];
  fields: readonly Field[];
  /** The column with the version of the schema, and the one with the whole JSON. */
  versionColumn: string;
  jsonColumn: string;
}

/** The table's own name in a dataset. */
export const EVENTS_NAME = 'events';
const DATA = 'data';
const MISFITS = '_misfits';

/**
 * The views of an app's schemas: for each type one over all its versions, named by the type, then one a version, such as
 * `order_created`, `order_created_v1` and `order_created_v2`. Throws an Error that names the schema it is about.
 * @param columns those of the events table
 */
export function viewsOf(schemas: readonly EventSchema[], columns: readonly EnvelopeColumn[]): View[] {
  const names = new NameRegister([EVENTS_NAME]);
  const envelope = columns.filter(({ name }) => name !== DATA);
  const types = new Map<string, EventSchema[]>();
  for (const schema of schemas) types.set(schema.type, [...(types.get(schema.type) ?? []), schema]);
  return [...types]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([type, files]) => viewsOfType(type, files, envelope, names));
}

function viewsOfType(
  type: string,
  files: readonly EventSchema[],
  envelope: readonly EnvelopeColumn[],
  names: NameRegister,
): View[] {
  const sorted = [...files].sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
  const versions = sorted.map(({ version }) => version);
  const shapes = sorted.map((file) => structOf(file));
  const reserved = [...envelope.map(({ name }) => name), VERSION_COLUMN, DATA];
  const make = (base: string, version: string | undefined, shape: StructShape): View => {
    const name = names.take(base);
    return {
      name,
      misfits: names.take(`${name}${MISFITS}`),
      comment: shape.comment,
      type,
      version,
      versions,
      envelope,
      fields: fieldsOf(shape, reserved),
      versionColumn: VERSION_COLUMN,
      jsonColumn: DATA,
    };
  };
  const base = sqlName(type);
  const merged = shapes.reduce((older, newer) => mergeStructs(older, newer));
  return [
    make(base, undefined, merged),
    ...shapes.map((shape, at) =>
      make(`${base}_v${sqlName(`_${versions[at]!}`).slice(1)}`, versions[at], shape),
    ),
  ];
}

const VERSION_COLUMN = 'schema_version';

/** A schema of anything but an object has no columns of its own. */
function structOf({ type, version, schema }: EventSchema): StructShape {
  let shape: Shape;
  try {
    shape = shapeOf(schema);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`schemas/${type}/${version}.json: ${reason}`, { cause });
  }
  return shape.kind === 'struct' ? shape : { kind: 'struct', members: new Map(), comment: shape.comment };
}
