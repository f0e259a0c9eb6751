import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isJsonObject } from '../core/json-value.ts';

/** A request with its body as the framework parsed it. */
interface ParsedRequest extends IncomingMessage {
  body?: unknown;
}

/**
 * The requests that are worked on, so that a handler's delivery can be answered without the framework. For a handler
 * that throws, the framework prints an error with its stack and answers 500: both are wrong for a delivery that only
 * has to come again later. The event is all that the framework hands to a handler, so the request is found by it.
 */
export class InFlight {
  private readonly requests = new Map<ParsedRequest, ServerResponse>();

  track(listener: RequestListener): RequestListener {
    return (request, response) => {
      this.requests.set(request, response);
      response.once('close', () => this.requests.delete(request));
      listener(request, response);
    };
  }

  /**
   * Answers the request that brought this event. False if it is not there any more, or cannot be told from others:
   * bodies are compared by identity, and only an object has one.
   */
  answer(event: unknown, status: number, text: string): boolean {
    if (!isJsonObject(event)) return false;
    for (const [{ body }, response] of this.requests) {
      if (typeof body !== 'object' || body === null) continue;
      // in binary mode the event is made for the handler, and only its data is the body
      if (body !== event && body !== event['data']) continue;
      if (response.headersSent) return false;
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(`${text}\n`);
      return true;
    }
    return false;
  }
}
