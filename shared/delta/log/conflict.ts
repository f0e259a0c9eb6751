import type { Commit } from './actions.ts';
import { decodeDataPath } from './paths.ts';

/** Why a write cannot go on behind another's commit. */
export type ConflictReason = 'protocol-changed' | 'metadata-changed' | 'input-removed';

/**
 * Whether rows can still be added behind `winner`: they were checked against its schema and protocol, and
 * nothing else of it matters to them.
 */
export function appendConflict(winner: Commit): ConflictReason | undefined {
  if (winner.protocol) return 'protocol-changed';
  return winner.metadata ? 'metadata-changed' : undefined;
}

/** Whether a rewrite of `inputs` (decoded paths) still holds behind `winner`: all of them must be live. */
export function rewriteConflict(winner: Commit, inputs: ReadonlySet<string>): ConflictReason | undefined {
  const removed = winner.removes.some(({ path }) => inputs.has(decodeDataPath(path)));
  return removed ? 'input-removed' : appendConflict(winner);
}
