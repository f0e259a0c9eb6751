import type { IncomingMessage } from 'node:http';

/** Thrown if the client disconnected: there is no one to answer. */
export class ClientGone extends Error {}

/** A request's body. Throws `ClientGone` if the connection breaks. */
export async function* chunksOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of request) yield chunk as Uint8Array;
  } catch (error) {
    throw new ClientGone('the client disconnected in the middle of its request', { cause: error });
  }
  if (!request.complete) throw new ClientGone('the client disconnected in the middle of its request');
}

/**
 * Reads a body into memory. One that is too large is read to its end, since a client that is still sending never
 * reads an answer; then it throws the error created for its size in bytes.
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
