/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
const MAX_MESSAGE = 64 * 1024 * 1024;

export type Unit =
  /** Messages that the server answers together, up to the one that ends a statement. */
  | { kind: 'statement'; messages: Buffer[] }
  /** Asks for encryption. */
  | { kind: 'encryption' }
  /** The client hangs up, or what it sends is not the protocol. */
  | { kind: 'end' };

/** Splits what a client sends into units, which the server must not mix with another client's. */
export class ClientMessages {
  #rest = Buffer.alloc(0);
  #isStarted = false;
  #messages: Buffer[] = [];

  *read(chunk: Buffer): Iterable<Unit> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let unit = this.#next(); unit !== undefined; unit = this.#next()) yield unit;
  }

  #next(): Unit | undefined {
    return this.#isStarted ? this.#statement() : this.#startup();
  }

  /** The first message has no type. */
  #startup(): Unit | undefined {
    const message = this.#take(0);
    if (message === undefined) return undefined;
    const code = message.length < 8 ? CANCEL_REQUEST : message.readInt32BE(4);
    if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: 'encryption' };
    if (code === CANCEL_REQUEST) return { kind: 'end' };
    this.#isStarted = true;
    return { kind: 'statement', messages: [message] };
  }

  #statement(): Unit | undefined {
    for (let message = this.#take(1); message !== undefined; message = this.#take(1)) {
      const type = String.fromCharCode(message[0] ?? 0);
      if (type === 'X') return { kind: 'end' };
      this.#messages.push(message);
      // Query, Sync, and the password
      if (type === 'Q' || type === 'S' || type === 'p') {
        return { kind: 'statement', messages: this.#messages.splice(0) };
      }
    }
    return undefined;
  }

  /** A whole message whose length stands at `at`; undefined until all of it has come. */
  #take(at: number): Buffer | undefined {
    if (this.#rest.length < at + 4) return undefined;
    const length = at + Math.min(Math.max(this.#rest.readInt32BE(at), 4), MAX_MESSAGE);
    if (this.#rest.length < length) return undefined;
    const message = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return message;
  }
}

/** True if the server's answer leaves a transaction open: it ends in ReadyForQuery, with the transaction's state. */
export function leavesTransactionOpen(answer: Uint8Array): boolean {
  const state = answer[answer.length - 1];
  return answer[answer.length - 6] === 0x5a && (state === 0x54 || state === 0x45);
}

/** The message of a statement without values. */
export function queryMessage(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.from('Q\0\0\0\0');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
