import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { placeFault } from '../../local/make-folder.ts';
import { printable } from '../../local/terminal-text.ts';
import { Failure } from '../common/options.ts';

/** A key without tabs and line breaks, by which it is sorted, and a text without line breaks. */
export interface Line {
  key: string;
  text: string;
}

/** Characters held in memory before they are put aside in a sorted file. */
const RUN_CHARACTERS = 48 * 1024 * 1024;

/** Sorts any number of lines, in memory as far as they fit and in temporary files beyond that. */
export class SortedLines {
  #run: Line[] = [];
  #characters = 0;
  #dir: string | undefined;
  readonly #files: string[] = [];
  /** Lines added. */
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

  /** All lines by rising key. */
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
      // events are nobody else's business
      await pipeline(lines, createWriteStream(file, { mode: 0o600 }));
      this.#files.push(file);
    } catch (error) {
      const why = placeFault(error);
      if (why === undefined) throw error;
      throw new Failure(`the temporary folder ${printable(tmpdir())} cannot be written: ${why}`, {
        cause: error,
      });
    }
  }
}

async function* readRun(file: string): AsyncGenerator<Line> {
  const input = createReadStream(file, 'utf8');
  try {
    // U+2028 and the like may stand in a JSON text: only \n ends a line
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
