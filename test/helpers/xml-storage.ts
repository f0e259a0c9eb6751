import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds that each kind of request takes; `absent` is a read of a missing object. */
export interface XmlLatency {
  put: number;
  get: number;
  absent: number;
  list: number;
}

export interface XmlStorage {
  url: string;
  /** Requests by class, since the start. */
  counts: { put: number; get: number; list: number; delete: number };
  close(): Promise<void>;
}

/**
 * The part of Cloud Storage's XML API that object_store (the library under delta-rs) uses, in memory and with
 * latency, so that a benchmark's peer is as far from its storage as we are from ours.
 */
export async function startXmlStorage(latency: XmlLatency): Promise<XmlStorage> {
  const objects = new Map<string, { body: Buffer; generation: number; updated: Date }>();
  const counts = { put: 0, get: 0, list: 0, delete: 0 };
  let generations = 0;

  const handle = async (sent: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const url = new URL(sent.url ?? '/', 'http://storage');
    const [, , ...rest] = url.pathname.split('/');
    const name = decodeURIComponent(rest.join('/'));
    const body = await bodyOf(sent);
    if (sent.method === 'GET' && name === '') {
      counts.list++;
      await delay(latency.list);
      return reply(answer, 200, listing(url.searchParams), { 'content-type': 'application/xml' });
    }
    if (sent.method === 'PUT') {
      counts.put++;
      await delay(latency.put);
      const match = sent.headers['x-goog-if-generation-match'];
      if (match === '0' && objects.has(name)) return reply(answer, 412, '');
      const generation = ++generations;
      objects.set(name, { body, generation, updated: new Date() });
      return reply(answer, 200, '', { etag: `"${generation}"`, 'x-goog-generation': String(generation) });
    }
    const found = objects.get(name);
    if (sent.method === 'DELETE') {
      counts.delete++;
      await delay(latency.put);
      objects.delete(name);
      return reply(answer, found ? 204 : 404, '');
    }
    counts.get++;
    await delay(found ? latency.get : latency.absent);
    if (!found) return reply(answer, 404, '');
    const headers = {
      etag: `"${found.generation}"`,
      'last-modified': found.updated.toUTCString(),
      'x-goog-generation': String(found.generation),
    };
    if (sent.method === 'HEAD') {
      answer.writeHead(200, { ...headers, 'content-length': found.body.length }).end();
      return;
    }
    const size = found.body.length;
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(sent.headers.range ?? '') ?? [];
    if (from === '' && to === '') return reply(answer, 200, found.body, headers);
    const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
    const end = from === '' || to === '' ? size : Math.min(size, Number(to) + 1);
    const range = { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}` };
    reply(answer, 206, found.body.subarray(start, end), range);
  };

  const listing = (query: URLSearchParams): string => {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('start-after') ?? '';
    const delimiter = query.get('delimiter') ?? '';
    const folders = new Set<string>();
    const contents: string[] = [];
    for (const name of [...objects.keys()].sort()) {
      if (!name.startsWith(prefix) || name <= after) continue;
      const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
      if (cut >= 0) {
        folders.add(name.slice(0, cut + 1));
        continue;
      }
      const { body, generation, updated } = objects.get(name)!;
      contents.push(
        `<Contents><Key>${name}</Key><LastModified>${updated.toISOString()}</LastModified><ETag>"${generation}"</ETag><Size>${body.length}</Size></Contents>`,
      );
    }
    const prefixes = [...folders].map(
      (folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`,
    );
    return `<?xml version="1.0"?><ListBucketResult>${contents.join('')}${prefixes.join('')}</ListBucketResult>`;
  };

  const server = createServer((sent, answer) => void handle(sent, answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counts,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(sent: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of sent as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function reply(
  answer: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  answer.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}
