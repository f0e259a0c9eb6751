import type { IncomingMessage } from 'node:http';

/** Thrown when the client went away: there is nobody to answer. */
export class ClientGone extends Error {}

/** A request's body. Throws `ClientGone` if the connection breaks. */
export async function* chunksOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of request) yield chunk as Uint8Array;
  } catch (error) {
    throw new ClientGone('the client went away in the middle of its request', { cause: error });
  }
  if (!request.complete) throw new ClientGone('the client went away in the middle of its request');
}

/**
 * A body in memory. One that is too large is read to its end, since an answer to a client that is still sending is
 * never read; then it throws the error made for its size in bytes.
 */
export async function gather(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLarge: (bytes: number) => Error,
): Promise<Buffer> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes <= maxBytes) kept.push(chunk);
  }
  if (bytes > maxBytes) throw tooLarge(bytes);
  return Buffer.concat(kept);
}
