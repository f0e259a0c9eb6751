import type { RequestListener } from 'node:http';

/**
 * Keeps functions-framework from parsing bodies: it reads the body of an unknown type into `rawBody` and nothing
 * else. A signature must be checked before anything is parsed, and malformed JSON must be answered by the function.
 * The content type that was sent is still in `rawHeaders`.
 */
export function bodiesAsBytes(listener: RequestListener): RequestListener {
  return (request, response) => {
    request.headers['content-type'] = 'application/octet-stream';
    listener(request, response);
  };
}
