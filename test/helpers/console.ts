import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { startConsole } from '../../console/server.ts';
import type { Manifest } from '../../functions/video/manifest.ts';
import { videoNames } from '../../functions/video/records.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import { startTestGcs, type TestGcs } from './gcs.ts';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A console on a local storage server. */
export interface ConsoleScene {
  gcs: TestGcs;
  storage: Storage;
  /** With the token. */
  url: string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  json<T>(path: string): Promise<T>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

/** @param fill called with the storage server's folder before it starts */
export async function startTestConsole({
  fill,
}: {
  fill?: (dir: string) => void;
} = {}): Promise<ConsoleScene> {
  const gcs = await startTestGcs({ buckets: ['raw', 'frames', 'state', 'lake'], ...(fill && { fill }) });
  await writeFile(join(gcs.dir, 'endpoints.json'), JSON.stringify({ gcs: gcs.server.url }));
  const running = await startConsole({ local: gcs.dir, cloud: false }, {});
  const { url } = running;
  const get: ConsoleScene['get'] = (path, headers = {}) => send(new URL(path, url), { headers });
  return {
    gcs,
    storage: gcs.storage(),
    url,
    get,
    async json(path) {
      const { status, text } = await get(path);
      if (status !== 200) throw new Error(`${path}: ${status}: ${text}`);
      return JSON.parse(text);
    },
    post: (path, body, headers = {}) =>
      send(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) }),
    async close() {
      await running.close();
      await gcs.close();
    },
  };
}

/** Any headers, unlike fetch: also Host. */
export function send(
  url: URL,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: object; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers }, agent: false }, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.from(text, 'latin1').toString(),
        }),
      );
    });
    sent.on('error', reject).end(body);
  });
}

/** A PNG of one pixel. */
export const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYPj/HwADAgH/p7n4VwAAAABJRU5ErkJggg==',
  'base64',
);

/** Writes what processVideo leaves of one upload. `text` goes into every field that a model or a user fills. */
export async function storeUpload(
  storage: Storage,
  { name, text = 'a dog', body = PIXEL, type = 'image/png' }: StoredUpload,
): Promise<{ bucket: string; name: string; generation: string }> {
  const raw = await storage
    .bucket('raw')
    .putIfAbsent(name, Buffer.from('a video'), { contentType: 'video/mp4' });
  const generation = raw.kind === 'written' ? raw.facts.generation : '1';
  const object = { bucket: 'raw', name, generation };
  const names = videoNames(object);
  const metadata = { 'source-bucket': 'raw', 'source-name': name, 'source-generation': generation };
  const frames = storage.bucket('frames');
  const stored = await frames.putIfAbsent(names.frame(0, 1.5, 'png'), body, { contentType: type, metadata });
  const image = frameOf(object, {
    generation: stored.kind === 'written' ? stored.facts.generation : '1',
    ...{ type, size: body.length },
  });
  const manifest = manifestOf(object, { text, image });
  await frames.putIfAbsent(names.manifest, Buffer.from(JSON.stringify(manifest)), {
    contentType: 'application/json',
    metadata,
  });
  return object;
}

/** The manifest of an upload with one frame. */
export function manifestOf(
  object: { bucket: string; name: string; generation: string },
  {
    text = 'a dog',
    createdAt = '2026-11-21T10:00:00.000Z',
    image = frameOf(object),
  }: { text?: string; createdAt?: string; image?: ImageFacts } = {},
): Manifest {
  return {
    schemaVersion: 1,
    outcome: 'framed',
    source: { ...object, size: 7 },
    question: { moment: text, maxMoments: 1 },
    model: { sdk: 'genai', name: text, asks: 2 },
    moments: [
      {
        timestamp: '00:01',
        coarseSeconds: 1,
        chosenSeconds: 1.5,
        decidedBy: 'stills',
        confidence: 0.9,
        description: text,
        seconds: 1.5,
        frame: image,
      },
    ],
    dropped: [],
    timings: { openMs: 10, [`${text}Ms`]: 20, totalMs: 40 },
    attempts: 1,
    eventId: 'e'.repeat(64),
    correlationId: 'corr-1',
    createdAt,
  };
}

type ImageFacts = Manifest['moments'][number]['frame'];

function frameOf(
  object: { bucket: string; name: string; generation: string },
  { generation = '1', type = 'image/png', size = PIXEL.length } = {},
): ImageFacts {
  const name = videoNames(object).frame(0, 1.5, 'png');
  return {
    bucket: 'frames',
    name,
    generation,
    contentType: type,
    size,
    crc32c: 'AAAAAA==',
    width: 1,
    height: 1,
  };
}

interface StoredUpload {
  name: string;
  text?: string;
  body?: Buffer;
  /** Content type of the frame. */
  type?: string;
}
