import { placeFault } from '../../local/make-folder.ts';
import { escapeJson, escapeText, printable } from '../../local/terminal-text.ts';
import { Failure } from './options.ts';
import type { TextStream } from './subcommand.ts';

/** Whoever read the output has gone: `| head` does. No reason to complain. */
export class OutputClosed extends Error {}

/** One line of why standard output took no more. */
export function unwritable(error: NodeJS.ErrnoException): string {
  return `standard output cannot be written: ${placeFault(error) ?? printable(error.message)}`;
}

/** Text to a stream at the pace of its reader, so that no more than a row group waits in memory. */
export class Output {
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  readonly #stream: TextStream;
  readonly #env: NodeJS.ProcessEnv;

  constructor(stream: TextStream, env: NodeJS.ProcessEnv) {
    this.#stream = stream;
    this.#env = env;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure ??= error.code === 'EPIPE' ? new OutputClosed() : new Failure(unwritable(error));
      this.#wake?.();
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Characters of a line. */
  get width(): number {
    const { columns: shown = 0 } = this.#stream;
    if (this.isTerminal && shown > 0) return shown;
    const columns = Number(this.#env['COLUMNS']);
    return Number.isInteger(columns) && columns >= 20 ? columns : 160;
  }

  /** Throws OutputClosed and Failure. */
  async write(text: string): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (text === '' || this.#stream.write(text)) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#stream.once('drain', resolve);
    });
    this.#wake = undefined;
    if (this.#failure) throw this.#failure;
  }

  /** Everything is written. Throws OutputClosed and Failure: nothing was lost unseen. */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    // the stream tells of its error after the write has returned
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure) throw this.#failure;
  }

  /** One line or several for people: no character of them acts on a terminal. */
  line(text = ''): Promise<void> {
    return this.write(`${escapeText(text)}\n`);
  }

  /** Indented; no character of it acts on a terminal. */
  json(value: unknown): Promise<void> {
    return this.line(escapeJson(JSON.stringify(value, undefined, 2)));
  }
}
