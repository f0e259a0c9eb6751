import { totalmem } from 'node:os';

/**
 * Bytes of memory this process may use: the limit of its container (control group), or half of a machine that
 * sets none, for others live there too.
 */
export function instanceMemory(): number {
  const total = totalmem();
  const limit = process.constrainedMemory();
  return limit > 0 && limit < total ? limit : total / 2;
}
