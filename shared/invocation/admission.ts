import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from '../core/log.ts';
import { UNREAD_TYPE } from './outcome.ts';

/**
 * Admission by bytes. A platform counts requests, and memory goes by their bytes: a thousand requests at a time
 * fit an instance at a kilobyte each, not at a megabyte. What is in flight is summed before a body is read, and
 * above the bound a request is answered 429, which Pub/Sub and Eventarc take for a nack: it comes again, later.
 */
export interface AdmissionOptions {
  /** Bytes of bodies at a time. */
  bytes: number;
  log: Logger;
  /** Between two looks for senders that stall, ms. Default 10,000. */
  sweepMs?: number;
}

/** A message of Pub/Sub's largest size in base64, with all the attributes it may have. */
const MAX_BODY = 16 * 1024 * 1024;
/** Bodies up to this size, in bytes, are small. */
const SMALL = 64 * 1024;
/** Of the bytes, for bodies that are not small: large events cannot keep everybody else's out. */
const LARGE_SHARE = 0.75;

/** One request in flight. */
interface Ticket {
  request: IncomingMessage;
  response: ServerResponse;
  /** Bytes that count for it. */
  held: number;
  /** Bytes its connection had read at the last look. */
  seen: number;
}

export class Admission {
  private held = 0;
  private largeHeld = 0;
  private refused = 0;
  private readonly arriving = new Set<Ticket>();
  private sweeping: NodeJS.Timeout | undefined;
  private reporting: NodeJS.Timeout | undefined;

  constructor(private readonly options: AdmissionOptions) {}

  /** Bytes in flight. */
  get bytes(): number {
    return this.held;
  }

  /** The listener, called for requests that are admitted alone. */
  guard(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.admit(request, response)) listener(request, response);
    };
  }

  private admit(request: IncomingMessage, response: ServerResponse): boolean {
    const { headers } = request;
    // what a compressed body comes to is not known before it is read; neither Pub/Sub nor Eventarc compresses
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      return answer(response, 415, `content-encoding must be identity, got ${encoding}`);
    }
    const isChunked = headers['transfer-encoding'] !== undefined;
    const length = isChunked ? 0 : Number(headers['content-length'] ?? 0);
    if (length > MAX_BODY) {
      return answer(response, 413, `body must have at most ${MAX_BODY} bytes, got ${length}`);
    }
    if (!this.hasRoom(length)) return this.putOff(response, length);
    const ticket: Ticket = { request, response, held: 0, seen: -1 };
    this.hold(ticket, length);
    response.once('close', () => this.end(ticket));
    if (!isChunked && length === 0) return true;
    this.watch(ticket);
    if (isChunked) request.on('data', (chunk: Buffer) => this.grow(ticket, chunk.length));
    return true;
  }

  /** One request is always admitted, whatever its size. */
  private hasRoom(length: number): boolean {
    const { bytes } = this.options;
    if (this.held === 0) return true;
    if (this.held + length > bytes) return false;
    return length <= SMALL || this.largeHeld === 0 || this.largeHeld + length <= bytes * LARGE_SHARE;
  }

  /** A body of unknown length counts as it arrives. */
  private grow(ticket: Ticket, bytes: number): void {
    const length = ticket.held + bytes;
    this.release(ticket);
    if (length <= MAX_BODY && this.hasRoom(length)) {
      this.hold(ticket, length);
      return;
    }
    this.report();
    cut(ticket);
  }

  private hold(ticket: Ticket, length: number): void {
    ticket.held = length;
    this.held += length;
    if (length > SMALL) this.largeHeld += length;
  }

  private release(ticket: Ticket): void {
    this.held -= ticket.held;
    if (ticket.held > SMALL) this.largeHeld -= ticket.held;
    ticket.held = 0;
  }

  /** The connection is done with the request. */
  private end(ticket: Ticket): void {
    this.arriving.delete(ticket);
    const { request, response } = ticket;
    if (response.writableEnded || !request.complete) {
      this.release(ticket);
      return;
    }
    // the caller is gone and the work is not: its memory is free when it ends
    const { end } = response;
    response.end = ((...args: Parameters<typeof end>) => {
      this.release(ticket);
      return end.apply(response, args);
    }) as typeof end;
  }

  /** Node closes connections that are idle, and not those whose body stops half way. */
  private watch(ticket: Ticket): void {
    this.arriving.add(ticket);
    this.sweeping ??= setInterval(() => this.sweep(), this.options.sweepMs ?? 10_000).unref();
  }

  private sweep(): void {
    for (const ticket of this.arriving) {
      const { request, response } = ticket;
      const { bytesRead } = request.socket;
      if (request.complete || response.writableEnded) this.arriving.delete(ticket);
      else if (ticket.seen !== bytesRead) ticket.seen = bytesRead;
      else cut(ticket);
    }
    if (this.arriving.size > 0) return;
    clearInterval(this.sweeping);
    this.sweeping = undefined;
  }

  private putOff(response: ServerResponse, length: number): false {
    this.report();
    const { bytes } = this.options;
    response.setHeader('retry-after', '1');
    return answer(
      response,
      429,
      `bodies in flight must have at most ${bytes} bytes, got ${this.held} and ${length} more`,
    );
  }

  /** One entry a second, in a storm, too. */
  private report(): void {
    this.refused++;
    this.reporting ??= setTimeout(() => {
      const { bytes, log } = this.options;
      const fields = { requests: this.refused, heldBytes: this.held, maxBytes: bytes };
      log.warn('requests put off', {
        ...fields,
        ...{ outcome: 'put-off', eventType: UNREAD_TYPE, count: this.refused },
      });
      this.refused = 0;
      this.reporting = undefined;
    }, 1_000).unref();
  }
}

/** Somebody may be about to answer by the response, so it is left alone; no answer is a nack, too. */
function cut({ request }: Ticket): void {
  request.socket.destroy();
}

/** Node reads and drops what is left of the body, so the connection stays good for the next request. */
function answer(response: ServerResponse, status: number, text: string): false {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(`${text}\n`);
  return false;
}
