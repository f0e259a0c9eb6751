import type { Json } from '../json.ts';
import type { Action, AddFile, CommitInfo, RemoveFile } from '../log/actions.ts';
import { newCommitInfo } from '../log/commit.ts';
import { decodeDataPath } from '../log/paths.ts';
import type { BoundCondition } from '../parquet/filter.ts';
import type { ErasedFile } from './erase-file.ts';

/** The commit that puts the outputs in the place of the files they were made from. */
export interface EraseCommit {
  info: CommitInfo & { txnId: string };
  actions: Action[];
  adds: AddFile[];
  removes: RemoveFile[];
}

/** Member of a `commitInfo`: which new files hold the rows that are left of which removed file. */
const REWRITES = 'rewrittenFiles';

export function eraseCommit(
  files: readonly ErasedFile[],
  conditions: readonly BoundCondition[],
  { reason, by, now }: { reason: string; by: string | undefined; now: number },
): EraseCommit {
  const removes = files.map(
    ({ add }): RemoveFile => ({
      path: add.path,
      deletionTimestamp: now,
      dataChange: true,
      extendedFileMetadata: true,
      partitionValues: add.partitionValues,
      size: add.size,
    }),
  );
  const adds = files.flatMap(({ outputs }) => outputs);
  const sum = (of: (file: ErasedFile) => number): string =>
    String(files.reduce((total, file) => total + of(file), 0));
  const info = {
    ...newCommitInfo('DELETE', now, { predicate: JSON.stringify([describeConditions(conditions)]) }),
    operationMetrics: {
      numRemovedFiles: String(removes.length),
      numAddedFiles: String(adds.length),
      numDeletedRows: sum(({ rowsErased }) => rowsErased),
      numCopiedRows: sum(({ rowsCopied }) => rowsCopied),
    },
    reason,
    ...(by !== undefined && { userName: by }),
    [REWRITES]: files.map(({ add, outputs }) => [add.path, ...outputs.map(({ path }) => path)]),
  };
  const actions = [...removes.map((remove) => ({ remove })), ...adds.map((add) => ({ add }))];
  return { info, actions, adds, removes };
}

/**
 * The filter in words, without its values: the log outlives the rows, and even a hash would confirm a guess of
 * a value that it is the right one.
 */
export function describeConditions(conditions: readonly BoundCondition[]): string {
  const words = conditions.flatMap(({ field: { name }, anyOf, above, below }) => [
    ...(anyOf ? [`${name} in (${anyOf.length} ${anyOf.length === 1 ? 'value' : 'values'})`] : []),
    ...(above ? [`${name} ${above.inclusive ? '>=' : '>'} (1 value)`] : []),
    ...(below ? [`${name} ${below.inclusive ? '<=' : '<'} (1 value)`] : []),
  ]);
  return [...new Set(words)].join(' and ');
}

/**
 * For each removed file, the new files whose rows all come from it, both as decoded paths; empty if the commit does
 * not say. An index of ids that knows the removed file then knows every id of the new ones.
 */
export function rewritesIn(info: CommitInfo | undefined): Map<string, string[]> {
  const rewrites = new Map<string, string[]>();
  const listed: Json | undefined = info?.[REWRITES];
  for (const entry of Array.isArray(listed) ? listed : []) {
    if (!Array.isArray(entry) || !entry.every((path) => typeof path === 'string')) continue;
    const [from, ...to] = (entry as string[]).map(decodeDataPath);
    if (from !== undefined) rewrites.set(from, to);
  }
  return rewrites;
}
