import { readFileSync } from 'node:fs';
import { placeFault } from '../../local/make-folder.ts';
import { printable } from '../../local/terminal-text.ts';
import { writeWhole } from '../common/new-file.ts';
import { Failure, quoted, UsageError } from '../common/options.ts';

/** Progress of a replay: every event of that version up to and including `after` is published. */
export interface Position {
  version: number;
  /** Order key of the last published event; undefined before the first. */
  after: string | undefined;
}

export function positionText({ version, after = '' }: Position): string {
  return `${version}/${after}`;
}

/** Throws UsageError. */
export function parsePosition(text: string): Position {
  const [, version, after] = /^(\d{1,15})\/([\w:.-]+Z\/[\w-]*\/.+)?$/.exec(text) ?? [];
  if (version !== undefined) return { version: Number(version), after };
  throw new UsageError(`--from must be a position that a replay printed, got ${quoted(text)}`);
}

/** A replay whose progress is kept in a file, so that the same command continues it. */
export interface SavedReplay {
  /** Identifies source and target of the replay: the same options give the same text. */
  replay: string;
  /** Start of the replay, in milliseconds since the epoch: `2h` stays relative to it. */
  started: number;
  replayId: string;
  position: string;
  published: number;
  isComplete: boolean;
}

/** Undefined if the file does not exist yet. Throws Failure if it is not a position file. */
export function readSaved(file: string): SavedReplay | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const why = placeFault(error) ?? printable((error as Error).message);
    throw new Failure(`--position ${printable(file)} cannot be read: ${why}`);
  }
  try {
    const saved = JSON.parse(text) as SavedReplay;
    const isSaved =
      typeof saved.replay === 'string' &&
      Number.isFinite(saved.started) &&
      typeof saved.replayId === 'string';
    if (isSaved && Number.isSafeInteger(saved.published)) {
      parsePosition(saved.position);
      return saved;
    }
  } catch {
    // reported below
  }
  throw new Failure(`${printable(file)} is not the position of a replay: name another file, or remove it`);
}

/** Writes the file atomically. Throws Failure. */
export function writeSaved(file: string, saved: SavedReplay): void {
  try {
    writeWhole(file, `${JSON.stringify(saved, undefined, 2)}\n`);
  } catch (error) {
    const why = placeFault(error) ?? printable((error as Error).message);
    throw new Failure(`--position ${printable(file)} cannot be written: ${why}`);
  }
}
