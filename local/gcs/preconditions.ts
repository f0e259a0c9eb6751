import { conditionNotMet, GcsError, invalid } from './errors.ts';

export interface Preconditions {
  generationMatch?: bigint;
  generationNotMatch?: bigint;
  metagenerationMatch?: bigint;
  metagenerationNotMatch?: bigint;
}

const PARAMETERS = {
  generationMatch: 'GenerationMatch',
  generationNotMatch: 'GenerationNotMatch',
  metagenerationMatch: 'MetagenerationMatch',
  metagenerationNotMatch: 'MetagenerationNotMatch',
} as const;

/** `prefix` is `if`, or `ifSource` for the source of a copy. */
export function parsePreconditions(query: URLSearchParams, prefix: 'if' | 'ifSource' = 'if'): Preconditions {
  const conditions: Preconditions = {};
  for (const [key, suffix] of Object.entries(PARAMETERS)) {
    const value = int64(query, prefix + suffix);
    if (value !== undefined) conditions[key as keyof Preconditions] = value;
  }
  return conditions;
}

/** An integer of the query, or undefined if it is absent. */
export function int64(query: URLSearchParams, parameter: string): bigint | undefined {
  const text = query.get(parameter);
  if (text === null || text === '') return undefined;
  if (!/^-?\d{1,19}$/.test(text))
    throw invalid(`Invalid value for ${parameter}: must be a whole number, got ${text}`, parameter);
  return BigInt(text);
}

/**
 * Checks against the live object; `undefined` if there is none, which counts as generation 0. A failed `NotMatch`
 * answers a read with 304, a write with 412.
 */
export function checkPreconditions(
  conditions: Preconditions,
  live: { generation: string; metageneration: string } | undefined,
  purpose: 'read' | 'write',
): void {
  const { generationMatch, generationNotMatch, metagenerationMatch, metagenerationNotMatch } = conditions;
  const generation = BigInt(live?.generation ?? 0);
  const metageneration = live && BigInt(live.metageneration);
  if (generationMatch !== undefined && generationMatch !== generation) throw conditionNotMet();
  if (metagenerationMatch !== undefined && metagenerationMatch !== metageneration) throw conditionNotMet();
  const same =
    (generationNotMatch !== undefined && generationNotMatch === generation) ||
    (metagenerationNotMatch !== undefined && metagenerationNotMatch === metageneration);
  if (!same) return;
  throw purpose === 'read'
    ? new GcsError(304, 'notModified', 'Not Modified')
    : conditionNotMet('If-None-Match');
}
