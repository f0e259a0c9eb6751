import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlainServer {
  url: string;
  /** Bytes written to sockets. */
  bytes(): number;
  close(): Promise<void>;
}

/** Serves one file over HTTP with full ranges, as ffmpeg would see it behind a signed URL. */
export async function servePlainly(path: string): Promise<PlainServer> {
  const { size } = await stat(path);
  let bytes = 0;
  const server = createServer((request, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    response.writeHead(206, {
      'accept-ranges': 'bytes',
      'content-length': size - start,
      'content-range': `bytes ${start}-${size - 1}/${size}`,
    });
    const { socket } = response;
    const before = socket?.bytesWritten ?? 0;
    response.once('close', () => {
      bytes += (socket?.bytesWritten ?? 0) - before;
    });
    const body = createReadStream(path, { start });
    response.once('close', () => body.destroy());
    body.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/clip.mp4`,
    bytes: () => bytes,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
