import { totalmem } from 'node:os';

/**
 * Memory this process may use, in bytes: the limit of its container (control group), or half of the machine's if
 * there is none, since other processes share it.
 */
export function instanceMemory(): number {
  const total = totalmem();
  const limit = process.constrainedMemory();
  return limit > 0 && limit < total ? limit : total / 2;
}
