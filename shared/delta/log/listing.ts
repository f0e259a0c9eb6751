import type { ObjectFacts } from '../../storage/object-store.ts';
import {
  checkpointPartPath,
  checkpointPath,
  LOG_FOLDER,
  type LogFile,
  objectName,
  padVersion,
  parseLogFile,
  type TableLocation,
} from './paths.ts';

export interface ListedCommit {
  version: number;
  /** Bytes. */
  size: number;
  updated: Date;
}

export interface ListedCheckpoint {
  version: number;
  /** One path, or all parts in order. */
  files: { path: string; size: number }[];
}

/** What `_delta_log` holds from some version on. */
export interface LogListing {
  /** By rising version. */
  commits: ListedCommit[];
  /** Complete ones by rising version. */
  checkpoints: ListedCheckpoint[];
  /** Whether there are checkpoints of a form that is not read. */
  hasV2Checkpoints: boolean;
}

/** Collects checkpoints from file names one by one. Parts are not written together, so a checkpoint may be incomplete. */
export class CheckpointFiles {
  readonly #parts = new Map<string, ListedCheckpoint['files']>();

  /** The checkpoint that this file completes; undefined if the file is not one, or parts are still missing. */
  add(file: LogFile, size: number): ListedCheckpoint | undefined {
    const { version } = file;
    if (file.kind === 'checkpoint') return { version, files: [{ path: checkpointPath(version), size }] };
    if (file.kind !== 'checkpoint-part' || file.part < 1 || file.part > file.parts) return undefined;
    const key = `${version}.${file.parts}`;
    const files = this.#parts.get(key) ?? [];
    files.push({ path: checkpointPartPath(version, file.part, file.parts), size });
    this.#parts.set(key, files);
    return files.length === file.parts ? { version, files } : undefined;
  }
}

/** Lists the log from `from` on: names sort by version, so nothing older is touched. */
export async function listLog(location: TableLocation, from = 0, signal?: AbortSignal): Promise<LogListing> {
  const commits: ListedCommit[] = [];
  const checkpoints = new Map<number, ListedCheckpoint>();
  const checkpointFiles = new CheckpointFiles();
  let hasV2Checkpoints = false;
  for await (const { facts, file } of logFiles(location, from, signal)) {
    const { size, updated } = facts;
    if (file.kind === 'commit') commits.push({ version: file.version, size, updated });
    if (file.kind === 'v2-checkpoint') hasV2Checkpoints = true;
    const checkpoint = checkpointFiles.add(file, size);
    if (checkpoint) checkpoints.set(checkpoint.version, checkpoint);
  }
  return { commits, checkpoints: [...checkpoints.values()], hasV2Checkpoints };
}

/** Files of the log that the protocol names, from version `from` on, by rising version. */
export async function* logFiles(
  location: TableLocation,
  from = 0,
  signal?: AbortSignal,
): AsyncGenerator<{ facts: ObjectFacts; file: LogFile }> {
  const prefix = objectName(location, LOG_FOLDER);
  const startOffset = `${prefix}${padVersion(from)}`;
  for await (const facts of location.store.list({ prefix, startOffset, signal })) {
    const file = parseLogFile(facts.name.slice(prefix.length));
    if (file) yield { facts, file };
  }
}
