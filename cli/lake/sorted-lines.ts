import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { placeFault } from '../../local/make-folder.ts';
import { printable } from '../../local/terminal-text.ts';
import { Failure } from '../common/options.ts';

/** A sort key without tabs and line breaks, and a text without line breaks. */
export interface Line {
  key: string;
  text: string;
}

/** Characters held in memory before they are written to a sorted file. */
const RUN_CHARACTERS = 48 * 1024 * 1024;

/** Sorts any number of lines, in memory if they fit, otherwise with temporary files. */
export class SortedLines {
  #run: Line[] = [];
  #characters = 0;
  #dir: string | undefined;
  readonly #files: string[] = [];
  /** Number of lines added. */
  count = 0;

  readonly #runCharacters: number;

  constructor(runCharacters = RUN_CHARACTERS) {
    this.#runCharacters = runCharacters;
  }

  async add(line: Line): Promise<void> {
    this.#run.push(line);
    this.count++;
    this.#characters += line.key.length + line.text.length;
    if (this.#characters >= this.#runCharacters) await this.#putAside();
  }

  /** Yields all lines in ascending order of their keys. */
  async *sorted(): AsyncGenerator<Line> {
    this.#run.sort(byKey);
    if (this.#files.length === 0) return yield* this.#run;
    await this.#putAside();
    const runs = this.#files.map(readRun);
    try {
      yield* merge(runs);
    } finally {
      await Promise.allSettled(runs.map((run) => run.return(undefined)));
    }
  }

  async remove(): Promise<void> {
    this.#run = [];
    if (this.#dir !== undefined) await rm(this.#dir, { recursive: true, force: true });
  }

  async #putAside(): Promise<void> {
    const run = this.#run.sort(byKey);
    this.#run = [];
    this.#characters = 0;
    if (run.length === 0) return;
    try {
      this.#dir ??= await mkdtemp(join(tmpdir(), 'pipeline-replay-'));
      const file = join(this.#dir, `${this.#files.length}.txt`);
      const lines = Readable.from(run.map(({ key, text }) => `${key}\t${text}\n`));
      // only the owner may read the events
      await pipeline(lines, createWriteStream(file, { mode: 0o600 }));
      this.#files.push(file);
    } catch (error) {
      const why = placeFault(error);
      if (why === undefined) throw error;
      throw new Failure(`cannot write to the temporary folder ${printable(tmpdir())}: ${why}`, {
        cause: error,
      });
    }
  }
}

async function* readRun(file: string): AsyncGenerator<Line> {
  const input = createReadStream(file, 'utf8');
  try {
    // JSON text may contain U+2028 and the like: only \n ends a line
    for await (const line of splitLines(input)) {
      const tab = line.indexOf('\t');
      yield { key: line.slice(0, tab), text: line.slice(tab + 1) };
    }
  } finally {
    input.destroy();
  }
}

async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

async function* merge(runs: readonly AsyncGenerator<Line>[]): AsyncGenerator<Line> {
  const heads: { run: AsyncGenerator<Line>; line: Line }[] = [];
  for (const run of runs) {
    const first = await run.next();
    if (!first.done) heads.push({ run, line: first.value });
  }
  while (heads.length > 0) {
    let least = 0;
    for (const [at, { line }] of heads.entries()) {
      if (byKey(line, (heads[least] as (typeof heads)[number]).line) < 0) least = at;
    }
    const head = heads[least] as (typeof heads)[number];
    yield head.line;
    const next = await head.run.next();
    if (next.done) heads.splice(least, 1);
    else head.line = next.value;
  }
}

function byKey(a: Line, b: Line): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
