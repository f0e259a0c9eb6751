import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isJsonObject } from '../core/json-value.ts';

/** A request with its body as the framework parsed it. */
interface ParsedRequest extends IncomingMessage {
  body?: unknown;
}

/**
 * Requests in progress, so that a delivery can be answered without the framework. If a handler throws, the
 * framework prints an error with its stack and answers 500: both are wrong for a delivery that should simply be
 * retried later. The framework passes only the event to a handler, so the request is found by its event.
 */
export class InFlight {
  readonly #requests = new Map<ParsedRequest, ServerResponse>();

  track(listener: RequestListener): RequestListener {
    return (request, response) => {
      this.#requests.set(request, response);
      response.once('close', () => this.#requests.delete(request));
      listener(request, response);
    };
  }

  /**
   * Answers the request that brought this event. False if it is gone or ambiguous: bodies are compared by identity,
   * which only objects have.
   */
  answer(event: unknown, status: number, text: string): boolean {
    if (!isJsonObject(event)) return false;
    for (const [{ body }, response] of this.#requests) {
      if (typeof body !== 'object' || body === null) continue;
      // in binary mode the event is created for the handler, and only its data is the body
      if (body !== event && body !== event['data']) continue;
      if (response.headersSent) return false;
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(`${text}\n`);
      return true;
    }
    return false;
  }
}
