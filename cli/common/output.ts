import { placeFault } from '../../local/make-folder.ts';
import { escapeJson, escapeText, printable } from '../../local/terminal-text.ts';
import { Failure } from './options.ts';
import type { TextStream } from './subcommand.ts';

/** The reader closed the pipe, as `| head` does. Not an error for the user. */
export class OutputClosed extends Error {}

/** Explains in one line why a write to standard output failed. */
export function unwritable(error: NodeJS.ErrnoException): string {
  return `cannot write to standard output: ${placeFault(error) ?? printable(error.message)}`;
}

/** Writes text at the reader's pace, so that at most one row group waits in memory. */
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

  /** Line width, in characters. */
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

  /** Waits until everything is written. Throws OutputClosed and Failure, so no loss goes unnoticed. */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    // the stream reports its error only after the write's callback
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure) throw this.#failure;
  }

  /** Writes one or more lines for people, with terminal control characters escaped. */
  line(text = ''): Promise<void> {
    return this.write(`${escapeText(text)}\n`);
  }

  /** Writes indented JSON, with terminal control characters escaped. */
  json(value: unknown): Promise<void> {
    return this.line(escapeJson(JSON.stringify(value, undefined, 2)));
  }
}
