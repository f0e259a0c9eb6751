import { symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as tcpConnect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFunction } from '../../local/function-process.ts';
import { startGcsServer } from '../../local/gcs/server.ts';
import { startMetadataServer } from '../../local/metadata-server.ts';
import { startPubsubServer } from '../../local/pubsub/server.ts';
import { startVertexServer } from '../../local/vertex/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A request as sent over the wire, and the status that an allowed client gets. */
interface Raw {
  line: string;
  headers?: readonly string[];
  body?: string;
  status: number;
}

interface Target {
  url: URL;
  /** A request that reads. */
  read: Raw;
  /** A request that changes something, with a content type that needs no preflight. */
  write: Raw;
}

const SERVERS = ['Cloud Storage', 'Pub/Sub', 'Vertex AI', 'metadata', 'function'] as const;
const targets = {} as Record<(typeof SERVERS)[number], Target>;
const closers: (() => Promise<void>)[] = [];
let dir: string;
let calls = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'web-pages-'));
  const gcs = await startGcsServer({ dir: join(dir, 'gcs'), buckets: ['raw'] });
  const pubsub = await startPubsubServer({ dir: join(dir, 'pubsub'), topics: ['events'] });
  const vertex = await startVertexServer({
    dir: join(dir, 'vertex'),
    ffmpegPath: 'ffmpeg',
    openObject: async () => undefined,
  });
  const metadata = await startMetadataServer({ projectId: 'local' });
  const one = await startFunction({
    name: 'one',
    port: 0,
    env: {},
    source: await writeFunction(join(dir, 'function')),
    onLine: (line) => {
      if (line === 'called') calls++;
    },
  });
  closers.push(
    () => gcs.close(),
    () => pubsub.close(),
    () => vertex.close(),
    () => metadata.close(),
    () => one.close(),
  );
  const text = ['content-type: text/plain'];
  targets['Cloud Storage'] = {
    url: new URL(gcs.url),
    read: { line: 'GET /storage/v1/b/raw/o', status: 200 },
    write: {
      line: 'POST /upload/storage/v1/b/raw/o?uploadType=media&name=evil.mp4',
      headers: text,
      body: 'a clip',
      status: 200,
    },
  };
  targets['Pub/Sub'] = {
    url: new URL(pubsub.url),
    read: { line: 'GET /v1/projects/local/topics', status: 200 },
    write: {
      line: 'POST /v1/projects/local/topics/events:publish',
      headers: text,
      body: '{"messages":[{"data":"e30="}]}',
      status: 200,
    },
  };
  targets['Vertex AI'] = {
    url: new URL(vertex.url),
    read: { line: 'GET /_stats', status: 200 },
    write: { line: 'POST /_faults', headers: text, body: '{"kinds":[]}', status: 200 },
  };
  const token = '/computeMetadata/v1/instance/service-accounts/default/token';
  targets.metadata = {
    url: new URL(metadata.url),
    read: { line: `GET ${token}`, headers: ['metadata-flavor: Google'], status: 200 },
    write: { line: `POST ${token}`, headers: ['metadata-flavor: Google'], body: '', status: 200 },
  };
  const event = '{"specversion":"1.0","id":"1","type":"t","source":"s","data":{}}';
  targets.function = {
    url: new URL(one.url),
    // the framework's answer to a body that is no event
    read: { line: 'GET /', status: 500 },
    write: {
      line: 'POST /',
      headers: ['content-type: application/cloudevents+json'],
      body: event,
      status: 204,
    },
  };
});
afterAll(async () => {
  for (const close of closers) await close();
  await rm(dir, { recursive: true, force: true });
});

async function writeFunction(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","main":"index.js"}');
  await writeFile(
    join(folder, 'index.js'),
    `import { cloudEvent } from '@google-cloud/functions-framework';
cloudEvent('one', () => console.log('called'));`,
  );
  return folder;
}

/** Everything the server sends until it closes. */
function send(url: URL, bytes: string): Promise<string> {
  const port = Number(url.port);
  const socket =
    url.protocol === 'https:'
      ? tlsConnect({ port, host: url.hostname, rejectUnauthorized: false })
      : tcpConnect({ port, host: url.hostname });
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in 10 s')));
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', (error) => (answer === '' ? reject(error) : undefined));
    socket.on('close', () => resolve(answer));
    socket.write(bytes, 'latin1');
  });
}

async function ask(url: URL, { line, headers = [], body = '' }: Raw, ...more: string[]) {
  const fields = [...headers, ...more, 'connection: close', `content-length: ${Buffer.byteLength(body)}`];
  const answer = await send(url, `${line} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`);
  return { status: Number(answer.split(' ')[1]), text: answer.slice(answer.indexOf('\r\n\r\n') + 4) };
}

describe.each(SERVERS)('%s', (name) => {
  const own = (): string => targets[name].url.host;
  const port = (): string => targets[name].url.port;

  test.each([
    [
      'DNS rebinding',
      () => [`host: evil.example:${port()}`],
      /Host must be localhost:\d+ .* got "evil\.example/,
    ],
    ['a name that begins like ours', () => [`host: localhost.evil.example:${port()}`], /Host must be/],
    ['a name that ends like ours', () => [`host: evil.localhost:${port()}`], /Host must be/],
    ['another port', () => ['host: 127.0.0.1:1'], /Host must be/],
    ['no port', () => ['host: 127.0.0.1'], /Host must be/],
    ['all interfaces', () => [`host: 0.0.0.0:${port()}`], /Host must be/],
    ['another origin', () => [`host: ${own()}`, 'origin: https://evil.example'], /Origin must be absent/],
    ['a sandboxed frame', () => [`host: ${own()}`, 'origin: null'], /Origin must be absent.* got "null"/],
    [
      'a page of another local port',
      () => [`host: ${own()}`, 'origin: http://localhost:1'],
      /Origin must be/,
    ],
    [
      'no-cors',
      () => [`host: ${own()}`, 'sec-fetch-site: cross-site', 'sec-fetch-mode: no-cors'],
      /Sec-Fetch-Site must be/,
    ],
    [
      'a page of another local port that asks for an image',
      () => [`host: ${own()}`, 'sec-fetch-site: same-site'],
      /Sec-Fetch-Site must be absent, none or same-origin, got "same-site"/,
    ],
  ])('refuses %s', async (_, headers, reason) => {
    const { url, read, write } = targets[name];
    for (const request of [read, write]) {
      const { status, text } = await ask(url, request, ...headers());
      expect({ status, text }).toEqual({ status: 403, text: expect.stringMatching(reason) });
      expect(text).toMatch(/^refused: .*\n$/);
    }
    const preflight = { line: `OPTIONS ${write.line.split(' ')[1]}`, status: 403 };
    expect((await ask(url, preflight, ...headers())).status).toBe(403);
  });

  test.each([
    ['its address', () => [`host: ${own()}`]],
    ['localhost', () => [`host: localhost:${port()}`]],
    ['LOCALHOST', () => [`host: LOCALHOST:${port()}`]],
    ['its own origin', () => [`host: ${own()}`, `origin: ${targets[name].url.origin}`]],
    ['an address that was typed', () => [`host: ${own()}`, 'sec-fetch-site: none']],
  ])('answers under %s', async (_, headers) => {
    const { url, read, write } = targets[name];
    for (const request of [read, write]) {
      expect((await ask(url, request, ...headers())).status).toBe(request.status);
    }
  });

  test('survives malformed and foreign requests', async () => {
    const { url, read } = targets[name];
    const host = `host: ${own()}`;
    const hostile = [
      'nonsense\r\n\r\n',
      `GET /%zz%ff HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`,
      `GET // HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`,
      `GET //[ HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`,
      `GET http://[ HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`,
      `GET /../../../etc/passwd HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
      `CONNECT 127.0.0.1:1 HTTP/1.1\r\n${host}\r\n\r\n`,
      `GET / HTTP/1.1\r\nconnection: close\r\n\r\n`,
      `GET / HTTP/1.0\r\n\r\n`,
      `POST / HTTP/1.1\r\n${host}\r\nexpect: the-impossible\r\nconnection: close\r\n\r\n`,
      `POST / HTTP/1.1\r\n${host}\r\ncontent-type: application/json\r\ncontent-length: 3\r\nconnection: close\r\n\r\n{]}`,
      `POST / HTTP/1.1\r\n${host}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
    ];
    for (const bytes of hostile) {
      // the connection may stay open or be cut, as long as the next one is answered
      await Promise.race([
        send(url, bytes).catch(() => ''),
        new Promise((resolve) => setTimeout(resolve, 300)),
      ]);
    }
    // half-open, and gone in the middle of a body
    for (const bytes of ['GET / HT', `POST / HTTP/1.1\r\n${host}\r\ncontent-length: 100\r\n\r\n{`]) {
      const socket = tcpConnect({ port: Number(url.port), host: url.hostname });
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.destroy();
    }
    expect((await ask(url, read, host)).status).toBe(read.status);
  });

  test('answers on no other address of this machine', async () => {
    const { url } = targets[name];
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((address) => address !== undefined && !address.internal)
      .map((address) => address!.address);
    for (const host of ['::1', ...others]) {
      const socket = tcpConnect({ port: Number(url.port), host });
      const reached = await new Promise((resolve) => {
        socket.once('connect', () => resolve(host)).once('error', () => resolve(undefined));
      });
      socket.destroy();
      expect(reached).toBeUndefined();
    }
  });
});

test('a function is called only by events that did not come from a web page', async () => {
  // 5 allowed clients, one event each
  await expect.poll(() => calls).toBe(5);
});

test('a server does not start on an address that others can reach', async () => {
  await expect(startGcsServer({ dir: join(dir, 'open'), host: '0.0.0.0' })).rejects.toThrow(
    'host must be 127.0.0.1, ::1 or localhost, got "0.0.0.0"',
  );
});

describe('pushes', () => {
  const put = (path: string, body: unknown, method = 'PUT') =>
    fetch(new URL(`/v1/projects/local/${path}`, targets['Pub/Sub'].url), {
      method,
      body: JSON.stringify(body),
    });
  const topic = 'projects/local/topics/events';
  const stranger = { pushEndpoint: 'https://evil.example/hook' };

  test.each([
    'https://evil.example/',
    'http://127.0.0.1.evil.example/',
    'http://0.0.0.0:1/',
    'http://[::]:1/',
  ])('a subscription to %s is refused, however it is requested', async (pushEndpoint) => {
    const created = await put('subscriptions/to-stranger', { topic, pushConfig: { pushEndpoint } });
    expect(created.status).toBe(403);
    expect(await created.text()).toMatch(/push_endpoint must be on localhost or 127\.0\.0\.1, got http/);
    expect((await put('subscriptions/mine', { topic })).status).toBeLessThan(410);
    const modified = await put(
      'subscriptions/mine:modifyPushConfig',
      { pushConfig: { pushEndpoint } },
      'POST',
    );
    expect(modified.status).toBe(403);
    const patch = { subscription: { pushConfig: { pushEndpoint } }, updateMask: 'pushConfig' };
    expect((await put('subscriptions/mine', patch, 'PATCH')).status).toBe(403);
  });

  test('one that an earlier run was allowed to create gets no pushes without the flag', async () => {
    const place = { dir: join(dir, 'pushes'), topics: ['events'] };
    const wide = await startPubsubServer({ ...place, pushAnywhere: true });
    const made = await fetch(`${wide.url}/v1/projects/local/subscriptions/wide`, {
      method: 'PUT',
      body: JSON.stringify({ topic, pushConfig: stranger }),
    });
    expect(made.status).toBe(200);
    await wide.close();
    const narrow = await startPubsubServer(place);
    await fetch(`${narrow.url}/v1/${topic}:publish`, {
      method: 'POST',
      body: '{"messages":[{"data":"e30="}]}',
    });
    const pulled = await fetch(`${narrow.url}/v1/projects/local/subscriptions/wide:pull`, {
      method: 'POST',
      body: '{"maxMessages":1,"returnImmediately":true}',
    });
    expect(((await pulled.json()) as { receivedMessages?: unknown[] }).receivedMessages).toHaveLength(1);
    await narrow.close();
  });
});
