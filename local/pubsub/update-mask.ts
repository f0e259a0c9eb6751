import type { Call } from './answer.ts';
import { invalid } from './errors.ts';
import { camelCase, type Fields, readFields } from './fields.ts';

export interface Update {
  sent: Record<string, unknown>;
  /** Fields to update, in camel case. */
  mask: string[];
}

/** Parses the body of a PATCH: the resource under its own name, and the mask, there or in the query. */
export async function readUpdate(call: Call, resource: string, fields: Fields): Promise<Update> {
  const body = readFields(await call.body(), { [resource]: fields, updateMask: 'string' });
  const text = String(body['updateMask'] ?? call.query.get('updateMask') ?? '');
  const mask = text
    .split(',')
    .map((path) => camelCase(path.trim()).split('.')[0]!)
    .filter((path) => path !== '');
  if (mask.length === 0) {
    throw invalid('The update_mask must be set, and must contain a non-empty paths list.', 'update_mask');
  }
  return { sent: (body[resource] ?? {}) as Record<string, unknown>, mask };
}

/** Throws the API's 400 for a field that is unknown or cannot be changed. */
export function checkMask(mask: readonly string[], updatable: readonly string[], fields: Fields): void {
  for (const field of mask) {
    if (updatable.includes(field)) continue;
    const what = Object.hasOwn(fields, field) ? 'cannot be changed' : 'is not a known field';
    throw invalid(
      `Invalid update_mask provided: ${field.slice(0, 100)} ${what}. Allowed are ${updatable.join(', ')}.`,
      'update_mask',
    );
  }
}
