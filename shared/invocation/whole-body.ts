import type { RequestListener, ServerResponse } from 'node:http';
import type { HttpRequest } from '../app/define-function.ts';

export type Serve = (request: HttpRequest, response: ServerResponse) => void;

/**
 * Calls a function with the whole body in `rawBody`. A signature must be checked before anything is parsed, and
 * malformed JSON must be answered by the function, so functions-framework does not see the request. Its parsers and
 * its router take more time than a small request itself.
 */
export function wholeBodies(serve: Serve): RequestListener {
  return (request: HttpRequest, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // not emitted if the sender gives up
    request.on('end', () => {
      request.rawBody = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      serve(request, response);
    });
  };
}
