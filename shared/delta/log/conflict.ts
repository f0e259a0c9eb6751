import type { Commit } from './actions.ts';
import { decodeDataPath } from './paths.ts';

/** Why a write cannot be committed after another writer's commit. */
export type ConflictReason = 'protocol-changed' | 'metadata-changed' | 'input-removed';

/**
 * Says whether rows can still be appended after `winner`: they were validated against its schema and protocol, and
 * nothing else in it affects them.
 */
export function appendConflict(winner: Commit): ConflictReason | undefined {
  if (winner.protocol) return 'protocol-changed';
  return winner.metadata ? 'metadata-changed' : undefined;
}

/** Says whether a rewrite of `inputs` (decoded paths) is still valid after `winner`: all of them must be live. */
export function rewriteConflict(winner: Commit, inputs: ReadonlySet<string>): ConflictReason | undefined {
  const removed = winner.removes.some(({ path }) => inputs.has(decodeDataPath(path)));
  return removed ? 'input-removed' : appendConflict(winner);
}
