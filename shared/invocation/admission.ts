import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from '../core/log.ts';
import { UNREAD_TYPE } from './outcome.ts';
import { problem, sendAnswer } from './problem.ts';

/**
 * Admission control by bytes. A platform limits requests, but memory is proportional to their bytes: an instance
 * holds a thousand concurrent requests of a kilobyte, not of a megabyte. The bytes in flight are summed before a
 * body is read; above the limit a request is answered 429, which Pub/Sub and Eventarc treat as a nack: it is
 * redelivered later.
 */
export interface AdmissionOptions {
  /** Maximum bytes of bodies in flight. */
  bytes: number;
  log: Logger;
  /** Interval of checks for stalled senders, in ms. Default 10,000. */
  sweepMs?: number;
}

/** A message of Pub/Sub's maximum size in base64, with all the attributes it may have. */
const MAX_BODY = 16 * 1024 * 1024;
/** Maximum size of a small body, in bytes. */
const SMALL = 64 * 1024;
/** Share of the bytes that large bodies may take, so that large events cannot block all others. */
const LARGE_SHARE = 0.75;

/** One request in flight. */
interface Ticket {
  request: IncomingMessage;
  response: ServerResponse;
  /** Bytes reserved for it. */
  held: number;
  /** Bytes its connection had read at the last check. */
  seen: number;
}

export class Admission {
  #held = 0;
  #largeHeld = 0;
  #refused = 0;
  readonly #arriving = new Set<Ticket>();
  #sweeping: NodeJS.Timeout | undefined;
  #reporting: NodeJS.Timeout | undefined;
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Bytes in flight. */
  get bytes(): number {
    return this.#held;
  }

  /** Wraps the listener, which is called for admitted requests only. */
  guard(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.#admit(request, response)) listener(request, response);
    };
  }

  #admit(request: IncomingMessage, response: ServerResponse): boolean {
    const { headers } = request;
    // the size of a compressed body is unknown before it is read; neither Pub/Sub nor Eventarc compresses
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      return answer(response, 415, `content-encoding must be identity, got ${encoding}`);
    }
    const isChunked = headers['transfer-encoding'] !== undefined;
    const length = isChunked ? 0 : Number(headers['content-length'] ?? 0);
    if (length > MAX_BODY) {
      return answer(response, 413, `body must have at most ${MAX_BODY} bytes, got ${length}`);
    }
    if (!this.#hasRoom(length)) return this.#putOff(response, length);
    const ticket: Ticket = { request, response, held: 0, seen: -1 };
    this.#hold(ticket, length);
    response.once('close', () => this.#end(ticket));
    if (!isChunked && length === 0) return true;
    this.#watch(ticket);
    if (isChunked) request.on('data', (chunk: Buffer) => this.#grow(ticket, chunk.length));
    return true;
  }

  /** With nothing else in flight, a request of any size is admitted. */
  #hasRoom(length: number): boolean {
    const { bytes } = this.#options;
    if (this.#held === 0) return true;
    if (this.#held + length > bytes) return false;
    return length <= SMALL || this.#largeHeld === 0 || this.#largeHeld + length <= bytes * LARGE_SHARE;
  }

  /** A body of unknown length is counted as it arrives. */
  #grow(ticket: Ticket, bytes: number): void {
    const length = ticket.held + bytes;
    this.#release(ticket);
    if (length <= MAX_BODY && this.#hasRoom(length)) {
      this.#hold(ticket, length);
      return;
    }
    this.#report();
    cut(ticket);
  }

  #hold(ticket: Ticket, length: number): void {
    ticket.held = length;
    this.#held += length;
    if (length > SMALL) this.#largeHeld += length;
  }

  #release(ticket: Ticket): void {
    this.#held -= ticket.held;
    if (ticket.held > SMALL) this.#largeHeld -= ticket.held;
    ticket.held = 0;
  }

  /** Called when the connection is done with the request. */
  #end(ticket: Ticket): void {
    this.#arriving.delete(ticket);
    const { request, response } = ticket;
    if (response.writableEnded || !request.complete) {
      this.#release(ticket);
      return;
    }
    // the caller is gone but the work goes on: its memory is free when it ends
    const { end } = response;
    response.end = ((...args: Parameters<typeof end>) => {
      this.#release(ticket);
      return end.apply(response, args);
    }) as typeof end;
  }

  /** Node closes idle connections, but not those whose body stalls half way. */
  #watch(ticket: Ticket): void {
    this.#arriving.add(ticket);
    this.#sweeping ??= setInterval(() => this.#sweep(), this.#options.sweepMs ?? 10_000).unref();
  }

  #sweep(): void {
    for (const ticket of this.#arriving) {
      const { request, response } = ticket;
      const { bytesRead } = request.socket;
      if (request.complete || response.writableEnded) this.#arriving.delete(ticket);
      else if (ticket.seen !== bytesRead) ticket.seen = bytesRead;
      else cut(ticket);
    }
    if (this.#arriving.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }

  #putOff(response: ServerResponse, length: number): false {
    this.#report();
    const { bytes } = this.#options;
    response.setHeader('retry-after', '1');
    return answer(
      response,
      429,
      `bodies in flight must have at most ${bytes} bytes, got ${this.#held} and ${length} more`,
    );
  }

  /** At most one log entry per second, even in a storm. */
  #report(): void {
    this.#refused++;
    this.#reporting ??= setTimeout(() => {
      const { bytes, log } = this.#options;
      const fields = { requests: this.#refused, heldBytes: this.#held, maxBytes: bytes };
      log.warn('requests put off', {
        ...fields,
        ...{ outcome: 'put-off', eventType: UNREAD_TYPE, count: this.#refused },
      });
      this.#refused = 0;
      this.#reporting = undefined;
    }, 1_000).unref();
  }
}

/** The handler may be about to write the response, so leave it alone; no answer is a nack, too. */
function cut({ request }: Ticket): void {
  request.socket.destroy();
}

/** Node discards the rest of the body, so the connection stays usable for the next request. */
function answer(response: ServerResponse, status: number, detail: string): false {
  sendAnswer(response, problem(status, { detail }));
  return false;
}
