import {
  checkpointPartPath,
  checkpointPath,
  LOG_FOLDER,
  objectName,
  padVersion,
  parseLogFile,
  type TableLocation,
} from './log-path.ts';

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

/** Lists the log from `from` on: names sort by version, so nothing older is touched. */
export async function listLog(location: TableLocation, from = 0, signal?: AbortSignal): Promise<LogListing> {
  const commits: ListedCommit[] = [];
  const single = new Map<number, ListedCheckpoint>();
  const parts = new Map<string, { version: number; sizes: (number | undefined)[] }>();
  let hasV2Checkpoints = false;
  const prefix = objectName(location, LOG_FOLDER);
  const startOffset = `${prefix}${padVersion(from)}`;
  for await (const { name, size, updated } of location.store.list({ prefix, startOffset, signal })) {
    const file = parseLogFile(name.slice(prefix.length));
    if (file?.kind === 'commit') commits.push({ version: file.version, size, updated });
    if (file?.kind === 'v2-checkpoint') hasV2Checkpoints = true;
    if (file?.kind === 'checkpoint') {
      single.set(file.version, {
        version: file.version,
        files: [{ path: checkpointPath(file.version), size }],
      });
    }
    if (file?.kind === 'checkpoint-part' && file.part >= 1 && file.part <= file.parts) {
      const key = `${file.version}.${file.parts}`;
      const known = parts.get(key) ?? { version: file.version, sizes: [] };
      known.sizes[file.part - 1] = size;
      // a number from a name: no array is made as long as it says
      if (file.parts <= 100_000) known.sizes.length = file.parts;
      parts.set(key, known);
    }
  }
  for (const { version, sizes } of parts.values()) {
    // parts are not written together: a set with a part missing does not count
    const files = sizes.map((size, index) => ({
      path: checkpointPartPath(version, index + 1, sizes.length),
      size: size ?? -1,
    }));
    const isComplete = sizes.length > 0 && Array.from(sizes).every((size) => size !== undefined);
    if (isComplete && !single.has(version)) single.set(version, { version, files });
  }
  const checkpoints = [...single.values()].sort((a, b) => a.version - b.version);
  return { commits: commits.sort((a, b) => a.version - b.version), checkpoints, hasV2Checkpoints };
}
