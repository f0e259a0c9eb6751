import type { Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: codes instead of a protocol version. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

const SYNC = Uint8Array.of(0x53, 0, 0, 0, 4);

/** Who may speak to the database: one session at a time. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves with a function that ends the turn. */
  async take(): Promise<() => void> {
    const before = this.#last;
    let end: () => void = () => undefined;
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  }
}

/**
 * One client of the embedded database. The database has one session only, with one unnamed statement: a client has its
 * turn from its first message until the database is idle again, so that none runs another's statement, or in
 * another's transaction.
 */
export class EmbeddedSession {
  readonly #socket: Socket;
  readonly #db: PGlite;
  readonly #turns: Turns;
  #buffer: Buffer = Buffer.alloc(0);
  #isStarted = false;
  #isBusy = false;
  #endTurn: (() => void) | undefined;
  /** Of the last ReadyForQuery; undefined in the middle of a statement. */
  #status: string | undefined = 'I';

  constructor(socket: Socket, db: PGlite, turns: Turns) {
    this.#socket = socket;
    this.#db = db;
    this.#turns = turns;
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      void this.#pump();
    });
    // close follows
    socket.on('error', () => undefined);
    socket.on('close', () => void this.#pump());
  }

  /** Passes on what has come, in order. */
  async #pump(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (!this.#socket.destroyed) {
        const messages = this.#isStarted ? this.#messages() : this.#startup();
        if (messages === undefined) break;
        await this.#pass(messages);
      }
      if (this.#socket.destroyed) await this.#leave();
    } catch {
      // the database is closed
      this.#socket.destroy();
      this.#endTurn?.();
    } finally {
      this.#isBusy = false;
    }
  }

  /** The startup message, after its prelude; undefined if it is not there yet. */
  #startup(): Buffer | undefined {
    const size = this.#buffer.length < 8 ? Number.POSITIVE_INFINITY : this.#buffer.readInt32BE(0);
    if (this.#buffer.length < size) return undefined;
    const code = this.#buffer.readInt32BE(4);
    const message = this.#take(size);
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      this.#socket.write('N');
      return this.#startup();
    }
    if (code === CANCEL_REQUEST) {
      this.#socket.destroy();
      return undefined;
    }
    this.#isStarted = true;
    return message;
  }

  /** All whole messages that have come; undefined if there is none. */
  #messages(): Buffer | undefined {
    let end = 0;
    while (this.#buffer.length >= end + 5) {
      const next = end + 1 + this.#buffer.readInt32BE(end + 1);
      if (next > this.#buffer.length) break;
      if (this.#buffer[end] === TERMINATE) {
        this.#socket.destroy();
        return undefined;
      }
      end = next;
    }
    return end === 0 ? undefined : this.#take(end);
  }

  #take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    return taken;
  }

  async #pass(messages: Uint8Array): Promise<void> {
    this.#endTurn ??= await this.#turns.take();
    if (this.#socket.destroyed) return;
    const answer = await this.#execute(messages);
    if (this.#socket.writable) this.#socket.write(answer);
    this.#status = statusIn(answer);
    if (this.#status === 'I') this.#finish();
  }

  async #execute(messages: Uint8Array): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    await this.#db.runExclusive(() =>
      this.#db.execProtocolRawStream(messages, { onRawData: (chunk) => void chunks.push(chunk.slice()) }),
    );
    return Buffer.concat(chunks);
  }

  /** The client is gone: what it had begun never happened. */
  async #leave(): Promise<void> {
    if (this.#endTurn === undefined) return;
    if (this.#status === undefined) await this.#execute(SYNC);
    await this.#db.exec('rollback');
    this.#finish();
  }

  #finish(): void {
    this.#endTurn?.();
    this.#endTurn = undefined;
  }
}

const TERMINATE = 0x58;
const READY_FOR_QUERY = 0x5a;

/** The status of the last ReadyForQuery in whole messages of the server. */
function statusIn(answer: Buffer): string | undefined {
  let status: string | undefined;
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    if (answer[at] === READY_FOR_QUERY) status = String.fromCharCode(answer[at + 5]!);
  }
  return status;
}
