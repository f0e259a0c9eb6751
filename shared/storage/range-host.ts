import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Base URL for the readers of a range server. */
export interface RangeHost {
  /** Routes requests for exactly this path to `serve`, until it is closed; all others are answered 404. */
  open(path: string, serve: RequestListener): Promise<{ url: string; close(): Promise<void> }>;
}

/** Creates a loopback server for each. */
export const loopback: RangeHost = {
  async open(path, serve) {
    const server = createServer({ keepAlive: false, noDelay: true }, (request, response) => {
      if (request.url === path) serve(request, response);
      else response.writeHead(404, { 'content-length': 0, connection: 'close' }).end();
    });
    server.maxConnections = 16;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}${path}`,
      async close() {
        const closed = server.listening ? once(server, 'close') : undefined;
        server.close();
        server.closeAllConnections();
        await closed;
      },
    };
  },
};
