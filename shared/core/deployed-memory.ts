import { totalmem } from 'node:os';

const UNITS = { Mi: 1024 ** 2, Gi: 1024 ** 3 };

/**
 * Bytes of memory that this process may use: what its function is deployed with (`1Gi`), or less if the machine has
 * less. A developer's machine has more, and its functions do as the deployed ones do.
 */
export function deployedMemory(deployed: string): number {
  // 0 or about 2^64 if nothing limits the process
  const constrained = process.constrainedMemory();
  return Math.min(bytesOf(deployed), totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY);
}

/** Bytes of `512Mi` or `1Gi`. */
export function bytesOf(size: string): number {
  const [, number = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(size) ?? [];
  if (unit !== 'Mi' && unit !== 'Gi') throw new Error(`memory must be like 512Mi or 1Gi, got ${size}`);
  return Number(number) * UNITS[unit];
}
