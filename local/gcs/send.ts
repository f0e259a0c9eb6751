import { close, read } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { Answer, FilePart } from './answer.ts';
import type { FaultAction } from './faults.ts';

const CHUNK = 256 * 1024;
const readAt = promisify(read);

export interface SendOptions {
  /** For HEAD: sends only the headers. */
  headOnly: boolean;
  fault: FaultAction | undefined;
  /** Called with the number of body bytes handed to the connection. */
  onBytes: (count: number) => void;
}

/** Writes the answer; resolves when it is completely handed over or the client is gone. */
export async function send(response: ServerResponse, answer: Answer, options: SendOptions): Promise<void> {
  response.writeHead(answer.status, answer.headers);
  try {
    const { fault } = options;
    const limit =
      fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.afterBytes : Number.POSITIVE_INFINITY;
    if (!options.headOnly) {
      let sent = 0;
      for await (const chunk of chunks(answer.body)) {
        const part = chunk.subarray(0, Math.max(0, limit - sent));
        if (fault?.kind === 'corrupt' && sent === 0 && part.length > 0) part[0] = part[0]! ^ 1;
        sent += part.length;
        options.onBytes(part.length);
        if (part.length > 0 && !(await write(response, part))) return;
        if (sent >= limit) break;
      }
    }
    // flush first: the client must see the body begin but not end
    if (fault?.kind === 'cut') response.socket?.destroySoon();
    else if (fault?.kind === 'stall') await new Promise((resolve) => response.once('close', resolve));
    else response.end();
  } finally {
    release(answer);
  }
}

/** Releases an answer's resources, sent or not. */
export function release(answer: Answer): void {
  const { body } = answer;
  if (body && !Buffer.isBuffer(body) && body.fd >= 0) {
    close(body.fd);
    body.fd = -1;
  }
}

/** Reads the whole body of an answer into memory. */
export async function bodyOf(answer: Answer): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks(answer.body)) parts.push(chunk);
  release(answer);
  return Buffer.concat(parts);
}

async function* chunks(body: Answer['body']): AsyncIterable<Buffer> {
  if (!body) return;
  if (Buffer.isBuffer(body)) yield body;
  else if (body.gunzip) yield* unpacked(body);
  else yield* fileChunks(body);
}

async function* fileChunks({ fd, start, length }: FilePart): AsyncIterable<Buffer> {
  for (let at = 0; at < length; ) {
    const size = Math.min(CHUNK, length - at);
    const { bytesRead, buffer } = await readAt(fd, Buffer.allocUnsafe(size), 0, size, start + at);
    if (bytesRead === 0) throw new Error(`the file of a response body ended ${length - at} bytes early`);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function* unpacked(part: FilePart): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  const feed = (async () => {
    for await (const chunk of fileChunks(part)) {
      if (!gunzip.write(chunk)) await new Promise((resolve) => gunzip.once('drain', resolve));
    }
    gunzip.end();
  })();
  feed.catch((error: Error) => gunzip.destroy(error));
  for await (const chunk of gunzip) yield chunk as Buffer;
}

/** False if the client is gone. */
async function write(response: ServerResponse, chunk: Buffer): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(chunk)) return true;
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve(!response.destroyed);
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
