import { escapeText, printable } from '../../local/terminal-text.ts';
import type { TextStream } from './subcommand.ts';

/** Between two lines where nobody watches, ms. */
const QUIET_MS = 2_000;
const TERMINAL_MS = 150;

/** What is under way, on standard error: one line rewritten on a terminal, else a line now and then. */
export class Progress {
  #timer: NodeJS.Timeout | undefined;
  #hasLine = false;

  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
    // nobody listens any more: that stops no work
    stream.on('error', () => this.stop());
  }

  /** Shows `text()` from now and then until `stop`. Work that ends soon shows nothing. */
  start(text: () => string): void {
    this.stop();
    const show = (): void => {
      if (!this.#stream.isTTY) return void this.#stream.write(`${printable(text())}\n`);
      this.#hasLine = true;
      this.#stream.write(
        `\r\x1b[K${printable(text()).slice(0, Math.max(20, (this.#stream.columns ?? 80) - 1))}`,
      );
    };
    this.#timer = setInterval(show, this.#stream.isTTY ? TERMINAL_MS : QUIET_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#hasLine) this.#stream.write('\r\x1b[K');
    this.#hasLine = false;
  }

  /** A line that stays. */
  note(text: string): void {
    if (this.#hasLine) this.#stream.write('\r\x1b[K');
    this.#stream.write(`${escapeText(text)}\n`);
  }
}
