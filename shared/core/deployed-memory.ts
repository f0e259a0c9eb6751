import { totalmem } from 'node:os';

const UNITS = { Mi: 1024 ** 2, Gi: 1024 ** 3 };

/**
 * Memory that this process may use, in bytes: the memory its function is deployed with (`1Gi`), or the machine's if
 * that is less. Local functions on a larger machine thus behave like deployed ones.
 */
export function deployedMemory(deployed: string): number {
  // 0 or about 2^64 if the process is not constrained
  const constrained = process.constrainedMemory();
  return Math.min(bytesOf(deployed), totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY);
}

/** Parses `512Mi` or `1Gi` to bytes. */
export function bytesOf(size: string): number {
  const [, number = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(size) ?? [];
  if (unit !== 'Mi' && unit !== 'Gi')
    throw new Error(`memory must be a size such as 512Mi or 1Gi, got ${size}`);
  return Number(number) * UNITS[unit];
}
