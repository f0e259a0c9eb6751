import type { Field, FieldType, ScalarType, StructType } from './field-type.ts';
import { NameRegister, sqlName } from './names.ts';
import type { ScalarShape, Shape, StructShape } from './schema-shape.ts';

/** Characters of a comment: BigQuery allows 1,024. */
const MAX_COMMENT = 1_000;

/**
 * The columns of a struct. A name that is reserved gets the prefix `data_`.
 * @param reserved names of the columns beside them
 */
export function fieldsOf(shape: StructShape, reserved: readonly string[] = []): Field[] {
  const taken = new NameRegister(reserved);
  const names = new NameRegister(reserved);
  return [...shape.members]
    .filter(([key]) => isReachable(key))
    .map(([key, { shape: inner, isRequired }]) => {
      const plain = sqlName(key);
      const name = names.take(taken.has(plain) ? `data_${plain}` : plain);
      const type = typeOf(inner);
      return { key, name, type, isRequired, comment: commentOf(key, name, inner) };
    });
}

function typeOf(shape: Shape): FieldType {
  return shape.kind === 'array' ? { kind: 'array', items: itemOf(shape.items) } : itemOf(shape);
}

function itemOf(shape: ScalarShape | StructShape): ScalarType | StructType {
  if (shape.kind !== 'struct') return { kind: shape.kind };
  const fields = fieldsOf(shape);
  return fields.length === 0 ? { kind: 'json' } : { kind: 'struct', fields };
}

/** SQL text cannot hold U+0000, nor half of a surrogate pair. */
const isReachable = (key: string): boolean => !key.includes('\0') && key.isWellFormed();

/** A view has comments on columns only, so those of nested fields follow their column's. */
function commentOf(key: string, name: string, shape: Shape): string {
  const own =
    name === key ? shape.comment : [`data.${key}`, shape.comment].filter((text) => text !== '').join(': ');
  const text = [own, ...nested(shape, '')].filter((line) => line !== '').join('\n');
  return text.length > MAX_COMMENT ? `${text.slice(0, MAX_COMMENT).toWellFormed()}…` : text;
}

function nested(shape: Shape, path: string): string[] {
  if (shape.kind === 'array') return nested(shape.items, `${path}[]`);
  if (shape.kind !== 'struct') return [];
  return [...shape.members].flatMap(([key, { shape: inner }]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return [inner.comment === '' ? '' : `${at}: ${inner.comment}`, ...nested(inner, at)];
  });
}
