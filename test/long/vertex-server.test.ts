import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startVertexServer, type VertexServer } from '../../local/vertex/server.ts';
import { anyFfmpeg, bundledFfmpeg, makeEventClip } from '../helpers/event-clips.ts';

const PATH = '/v1/projects/p/locations/global/publishers/google/models/gemini-3.8-flash:generateContent';
const SCHEMA = {
  type: 'OBJECT',
  properties: {
    found: { type: 'BOOLEAN' },
    moments: { type: 'ARRAY', items: { type: 'OBJECT', properties: { timestamp: { type: 'STRING' } } } },
  },
};

let dir: string;
let objects: Server;
/** All connections of the object server so far, open or closed. */
const connections: Socket[] = [];
let vertex: VertexServer;
let ca: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vertex-server-'));
  await makeEventClip(dir, 'box.mp4', { seconds: 12, box: [6.4, 9], sound: true });
  await makeEventClip(dir, 'still.mp4', { seconds: 4 });
  await makeEventClip(dir, 'short.mp4', { seconds: 0.4 });
  await makeEventClip(dir, 'box.avi', { seconds: 5, box: [2, 4] });
  await makeEventClip(dir, 'box.mkv', { seconds: 5, box: [3, 4] });
  await writeFile(join(dir, 'text.mp4'), 'this is no video');
  await writeFile(join(dir, 'empty.mp4'), '');
  objects = await serve(dir);
  const { port } = objects.address() as AddressInfo;
  await writeFile(
    join(dir, 'playlist.mp4'),
    `#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:${port}/box.mp4?from=playlist\n#EXTINF:1,\nfile://${dir}/box.mp4\n#EXT-X-ENDLIST\n`,
  );
  await writeFile(join(dir, 'concat.mp4'), `ffconcat version 1.0\nfile '${dir}/box.mp4'\n`);
  vertex = await start(anyFfmpeg());
  ca = await readFile(vertex.caPath, 'utf8');
});

afterEach(() => vertex.setFaults({ kinds: [] }));

afterAll(async () => {
  await vertex?.close();
  objects?.closeAllConnections();
  objects?.close();
  await rm(dir, { recursive: true, force: true });
});

describe('what it sees', () => {
  it.each([
    ['box.mp4', 'video/mp4', 1, '00:07'],
    ['box.mp4', 'video/mp4', 4, '00:06.500'],
    ['box.mp4', 'video/mp4', 24, '00:06.417'],
    ['box.avi', 'video/x-msvideo', 1, '00:02'],
    ['box.mkv', 'video/x-matroska', 1, '00:03'],
  ])('%s (%s) at %d frames per second: the box at %s', async (name, mimeType, fps, timestamp) => {
    const { status, json } = await ask([video(name, mimeType, fps)]);
    expect(status).toBe(200);
    expect(answerOf(json)).toEqual({ found: true, moments: [{ timestamp }] });
  });

  it('reports the tokens of the frames and sound it used', async () => {
    const { json } = await ask([video('box.mp4'), { text: '12345678' }]);
    expect(json).toMatchObject({
      usageMetadata: {
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 2 },
          { modality: 'VIDEO', tokenCount: 12 * 66 },
          { modality: 'AUDIO', tokenCount: expect.toSatisfy((n: number) => n === 12 * 25 || n === 13 * 25) },
        ],
      },
      modelVersion: 'gemini-3.8-flash',
    });
    const silent = await ask([video('still.mp4')]);
    expect(JSON.stringify(silent.json)).not.toContain('AUDIO');
  });

  it('nothing in a clip in which nothing happens', async () => {
    expect(answerOf((await ask([video('still.mp4')])).json)).toEqual({ found: false, moments: [] });
  });

  it('no frame of a clip under half a second: the answer is invented, with no video tokens', async () => {
    const { json } = await ask([video('short.mp4'), { text: 'when?' }]);
    expect(answerOf(json)).toEqual({ found: true, moments: [{ timestamp: '00:03' }] });
    expect(JSON.stringify(json)).not.toContain('VIDEO');
  });

  it('a video inside the request, and leaves no file of it', async () => {
    const data = (await readFile(join(dir, 'box.mp4'))).toString('base64');
    const { json } = await ask([{ inlineData: { data, mimeType: 'video/mp4' } }]);
    expect(answerOf(json)).toMatchObject({ moments: [{ timestamp: '00:07' }] });
    const left = await readdir(join(dir, 'state'));
    expect(left.sort()).toEqual(['vertex-cert.pem', 'vertex-key.pem']);
  });

  it('the same with the binary from npm', async () => {
    const bundled = await start(bundledFfmpeg());
    try {
      const { json } = await ask([video('box.mp4')], { server: bundled });
      expect(answerOf(json)).toEqual({ found: true, moments: [{ timestamp: '00:07' }] });
    } finally {
      await bundled.close();
    }
  });
});

describe('what it refuses', () => {
  it.each([
    ['text.mp4', 400, 'INVALID_ARGUMENT', /Unable to process input video/],
    ['empty.mp4', 400, 'INVALID_ARGUMENT', /Unable to process input video/],
    ['missing.mp4', 404, 'NOT_FOUND', /gs:\/\/raw\/missing\.mp4 was not found/],
  ])('%s: %d %s', async (name, status, code, message) => {
    const answer = await ask([video(name)]);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({
      error: { code: status, status: code, message: expect.stringMatching(message) },
    });
  });

  it.each(['playlist.mp4', 'concat.mp4'])('%s opens nothing that it refers to', async (name) => {
    const before = connections.length;
    expect((await ask([video(name)])).status).toBe(400);
    // one connection, for the script itself
    expect(connections.length - before).toBe(1);
  });

  it('no token, an unknown path, no JSON', async () => {
    expect((await ask([video('box.mp4')], { headers: { authorization: '' } })).status).toBe(401);
    expect((await ask([], { path: '/v1/models' })).status).toBe(404);
    expect((await send(vertex, PATH, '{', {})).status).toBe(400);
  });
});

describe('faults and counts, from another process', () => {
  it('a header sets a fault for this request', async () => {
    const { status, json } = await ask([video('box.mp4')], { headers: { 'x-local-fault': '429' } });
    expect(status).toBe(429);
    expect(json).toMatchObject({ error: { status: 'RESOURCE_EXHAUSTED' } });
    expect((await ask([video('still.mp4')])).status).toBe(200);
  });

  it('a setting sets faults for the next ones; only answers count as paid', async () => {
    const before = vertex.stats();
    const setting = JSON.stringify({ kinds: ['503', 'malformed'], times: 2 });
    expect((await send(vertex, '/_faults', setting, {})).status).toBe(200);
    expect((await ask([video('still.mp4')])).status).toBe(503);
    expect(JSON.stringify((await ask([video('still.mp4')])).json)).toContain('Here it is: ');
    expect((await ask([video('still.mp4')])).status).toBe(200);
    const after = (await send(vertex, '/_stats', undefined, {})).json as typeof before;
    expect(after.received - before.received).toBe(3);
    expect(after.asks - before.asks).toBe(2);
    expect((after.byUri['gs://raw/still.mp4'] ?? 0) - (before.byUri['gs://raw/still.mp4'] ?? 0)).toBe(2);
    expect(after.tokens.total).toBe(after.tokens.prompt + after.tokens.output);
    expect((await send(vertex, '/_faults', '{"kinds":["boom"]}', {})).status).toBe(400);
  });

  it('a stream is one event', async () => {
    const { text } = await ask([video('still.mp4')], {
      path: PATH.replace(':generateContent', ':streamGenerateContent?alt=sse'),
    });
    expect(text.startsWith('data: {"candidates":')).toBe(true);
    expect(text.endsWith('\r\n\r\n')).toBe(true);
  });
});

describe('a video that does not arrive', () => {
  it('two are processed at once, and ffmpeg ends when the client disconnects', async () => {
    const open = (): number => connections.filter((socket) => !socket.destroyed).length;
    await until(() => open() === 0);
    const leave = new AbortController();
    const asks = [1, 2, 3].map(() => ask([video('never.mp4')], { signal: leave.signal }).catch(() => 'left'));
    await until(() => open() === 2);
    leave.abort();
    expect(await Promise.all(asks)).toEqual(['left', 'left', 'left']);
    await until(() => open() === 0);
    expect(answerOf((await ask([video('still.mp4')])).json)).toMatchObject({ found: false });
  });
});

function start(ffmpegPath: string): Promise<VertexServer> {
  return startVertexServer({
    dir: join(dir, 'state'),
    ffmpegPath,
    openObject: async (_, name) =>
      `http://127.0.0.1:${(objects.address() as AddressInfo).port}/${encodeURIComponent(name)}?alt=media`,
  });
}

function video(name: string, mimeType = 'video/mp4', fps?: number): Record<string, unknown> {
  const part = { fileData: { fileUri: `gs://raw/${name}`, mimeType } };
  return fps === undefined ? part : { ...part, videoMetadata: { fps } };
}

interface AskOptions {
  server?: VertexServer;
  path?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

function ask(parts: unknown[], options: AskOptions = {}) {
  const generationConfig = { responseMimeType: 'application/json', responseSchema: SCHEMA };
  const body = JSON.stringify({ contents: [{ role: 'user', parts }], generationConfig });
  return send(options.server ?? vertex, options.path ?? PATH, body, options);
}

function send(server: VertexServer, path: string, body: string | undefined, options: AskOptions) {
  return new Promise<{ status: number; text: string; json: unknown }>((resolve, reject) => {
    const outgoing = request(
      `${server.url}${path}`,
      {
        ca,
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: 'Bearer local', 'content-type': 'application/json', ...options.headers },
        ...(options.signal && { signal: options.signal }),
        agent: false,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          const json: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode ?? 0, text, json });
        });
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function answerOf(json: unknown): unknown {
  const { candidates } = json as { candidates: { content: { parts: { text: string }[] } }[] };
  return JSON.parse(candidates[0]?.content.parts[0]?.text ?? 'null');
}

/** Serves files with ranges, as Cloud Storage does its objects; `never.mp4` gets no answer. */
async function serve(folder: string): Promise<Server> {
  const server = createServer(async (incoming, response) => {
    const name = decodeURIComponent(new URL(incoming.url ?? '/', 'http://local').pathname.slice(1));
    if (name === 'never.mp4') return;
    const path = join(folder, name);
    const facts = await stat(path).catch(() => undefined);
    if (!facts) {
      response.writeHead(404).end();
      return;
    }
    const start = Number(/^bytes=(\d+)-/.exec(incoming.headers.range ?? '')?.[1] ?? 0);
    if (facts.size === 0 || start >= facts.size) {
      response.writeHead(facts.size === 0 ? 200 : 416).end();
      return;
    }
    response.writeHead(incoming.headers.range ? 206 : 200, {
      'content-length': facts.size - start,
      'accept-ranges': 'bytes',
      'content-range': `bytes ${start}-${facts.size - 1}/${facts.size}`,
    });
    createReadStream(path, { start }).pipe(response);
  });
  server.on('connection', (socket: Socket) => connections.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('waited 10 s for a condition that did not come');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
