import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../core/clock.ts';
import { retryDelay } from '../../core/retry.ts';
import { DeltaError } from '../delta-error.ts';
import { type Action, type Commit, type CommitInfo, encodeActions, parseCommit } from './actions.ts';
import { commitPath, objectName, type TableLocation } from './paths.ts';

const ENGINE = 'event-pipeline-delta/1';

/** `conflict`: another writer has committed this version; `winner` is its commit. */
export type CommitOutcome =
  | { kind: 'committed'; version: number }
  | { kind: 'conflict'; version: number; winner: Commit };

export interface CommitOptions {
  clock?: Clock;
  /** Attempts before the outcome counts as unknown. Default 6. */
  attempts?: number;
  /** Longest delay between two attempts, in ms. Default 2,000. */
  maxDelayMs?: number;
  signal?: AbortSignal | undefined;
}

/** A `commitInfo` with a fresh `txnId`, by which the writer recognizes its own commit. */
export function newCommitInfo(
  operation: string,
  now: number,
  parameters: Record<string, string> = {},
  isBlindAppend = false,
): CommitInfo & { txnId: string } {
  return {
    timestamp: Math.trunc(now),
    operation,
    operationParameters: parameters,
    isBlindAppend,
    engineInfo: ENGINE,
    txnId: randomUUID(),
  };
}

/** One commit of the log; undefined if the version does not exist. */
export async function readCommit(
  location: TableLocation,
  version: number,
  signal?: AbortSignal,
): Promise<Commit | undefined> {
  const name = objectName(location, commitPath(version));
  const stored = await location.store.get(name, { withoutMetadata: true, signal });
  return stored && parseCommit(version, stored.body);
}

/**
 * Writes version `version` if nobody has ("Creation of New Log Entries"). A failed or refused write does not say
 * what storage did with it, so the version is read back and its `txnId` compared. If it is ours, it is committed; if it
 * is another writer's, that is a conflict; if there is none, the same version is tried again. Throws `unsettled` if
 * storage does not answer.
 */
export async function putCommit(
  location: TableLocation,
  version: number,
  info: CommitInfo & { txnId: string },
  actions: readonly Action[],
  options: CommitOptions = {},
): Promise<CommitOutcome> {
  const { clock = systemClock, attempts = 6, maxDelayMs = 2_000, signal } = options;
  const name = objectName(location, commitPath(version));
  const body = encodeActions([{ commitInfo: info }, ...actions]);
  let failure: unknown;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      const put = await location.store.putIfAbsent(name, body, { contentType: 'application/json', signal });
      if (put.kind === 'written') return { kind: 'committed', version };
    } catch (error) {
      failure = error;
    }
    try {
      const winner = await readCommit(location, version, signal);
      if (winner?.commitInfo?.txnId === info.txnId) return { kind: 'committed', version };
      if (winner) return { kind: 'conflict', version, winner };
    } catch (error) {
      // the version exists, though it cannot be read: trying again would not help
      if (error instanceof DeltaError) throw error;
      failure = error;
    }
    if (signal?.aborted) break;
    if (attempt < attempts) {
      await clock.sleep(retryDelay(attempt, 50, maxDelayMs, Math.random), signal).catch(() => undefined);
    }
  }
  const reason = failure instanceof Error ? failure.message : 'the version stayed absent';
  throw new DeltaError('unsettled', `storage never said whether version ${version} was written: ${reason}`, {
    cause: failure,
  });
}
