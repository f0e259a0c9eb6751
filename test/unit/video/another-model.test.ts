import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { videoNames } from '../../../functions/video/records.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { VisionOptions } from '../../../shared/vision/adapters.ts';
import { askModel } from '../../../shared/vision/ask-model.ts';
import type { VisionModel } from '../../../shared/vision/vision-model.ts';
import { oneColorVideo } from '../../helpers/one-color-video.ts';

/** A model over a service that takes `{ model, parts, schema }` and answers `{ answer, usage: { in, out } }`. */
function createTinyModel({ model, apiEndpoint }: VisionOptions): VisionModel {
  return {
    async ask({ parts, schema, signal }) {
      const response = await fetch(`http://${apiEndpoint}/ask`, {
        method: 'POST',
        body: JSON.stringify({ model, parts, schema }),
        signal: signal ?? null,
      }).catch((cause: unknown) => {
        throw new AppError('unavailable', `Tiny ${model}: no connection`, { cause });
      });
      if (response.status === 429) throw new AppError('quota', `Tiny ${model}: 429`);
      if (!response.ok) throw new AppError('unavailable', `Tiny ${model}: ${response.status}`);
      const { answer, usage } = (await response.json()) as {
        answer: unknown;
        usage: { in: number; out: number };
      };
      const tokens = { prompt: usage.in, output: usage.out, thoughts: 0, total: usage.in + usage.out };
      return { json: answer, model, tokens };
    },
  };
}

// The process has one list of adapters, and settings read it as they load: this file has a copy of both.
vi.resetModules();
afterAll(() => void vi.resetModules());
const { VISION_ADAPTERS } = await import('../../../shared/vision/adapters.ts');
VISION_ADAPTERS.set('tiny', async (options) => createTinyModel(options));
const { detect } = await import('../../../functions/video/detect.ts');
const { parseVideoConfig } = await import('../../../functions/video/settings.ts');
const { videoTools } = await import('../../../functions/video/tools.ts');

const asked: { model: string; parts: { text?: string }[] }[] = [];
let answers: { status: number; body?: unknown }[] = [];

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  asked.push(JSON.parse(Buffer.concat(chunks).toString()));
  const { status, body } = answers.shift() ?? { status: 500 };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));
beforeEach(() => {
  asked.length = 0;
});

function configured(sdk: string, env: Record<string, string> = {}) {
  return parseVideoConfig({
    GOOGLE_CLOUD_PROJECT: 'a-project',
    FRAMES_BUCKET: 'frames',
    STATE_BUCKET: 'state',
    GEMINI_SDK: sdk,
    GEMINI_MODEL: 'tiny-1',
    VERTEX_API_ENDPOINT: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...env,
  });
}

/** Detects a moment with the adapter, as a delivery does. */
async function detected(env: Record<string, string> = {}) {
  const config = configured('tiny', env);
  const storage = createMemoryStorage();
  const { model } = videoTools(config, storage, createLogger());
  return detect({
    video: oneColorVideo(),
    part: { videoUri: 'gs://raw/a.mp4', mimeType: 'video/mp4' },
    question: {
      moment: 'it',
      maxMoments: 1,
      contactSheet: false,
      formats: [{ format: 'png' }],
      preview: false,
      clipSeconds: 0,
    },
    names: videoNames({ bucket: 'raw', name: 'a.mp4', generation: '1' }),
    state: storage.bucket('state'),
    config,
    model,
    prefix: '',
    confirmSeen: async () => {},
    onSpent: () => {},
    signal: new AbortController().signal,
  });
}

const moment = { timestamp: '00:05', confidence: 0.9, description: 'it' };
const found = { status: 200, body: { answer: { found: true, moments: [moment] }, usage: { in: 7, out: 3 } } };
const still = { status: 200, body: { answer: { still: 2, confidence: 0.8 }, usage: { in: 20, out: 2 } } };

test('another vendor is one adapter and one value of GEMINI_SDK', async () => {
  answers = [
    // an answer that breaks the schema is requested again, for every vendor
    { status: 200, body: { answer: 'no idea', usage: { in: 7, out: 1 } } },
    found,
    still,
  ];
  expect(await detected()).toMatchObject({
    model: { sdk: 'tiny', name: 'tiny-1', asks: 3 },
    moments: [{ timestamp: '00:05', decidedBy: 'stills' }],
    tokens: { prompt: 34, output: 6, total: 40, coarse: { total: 18 }, fine: { total: 22 } },
  });
  expect(asked.map((question) => question.model)).toEqual(['tiny-1', 'tiny-1', 'tiny-1']);
});

test('429 and 5xx of another vendor are retried, and each request counts', async () => {
  const adapter = await VISION_ADAPTERS.get('tiny')!({
    project: 'a-project',
    model: 'tiny-1',
    location: 'global',
    apiEndpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  answers = [{ status: 429 }, { status: 503 }, still];
  const question = { parts: [{ text: 'which?' }], schema: { type: 'OBJECT' as const } };
  const asking = await askModel(adapter, question, (json) => json, { baseMs: 1 });
  expect(asking).toMatchObject({ value: { still: 2 }, asks: 3, tokens: { total: 22 } });
});

test('the daily limit holds for another vendor: the request above it is not sent', async () => {
  answers = [found, still];
  await expect(detected({ DAILY_GEMINI_CALLS: '1' })).rejects.toMatchObject({ code: 'over-budget' });
  expect(asked).toHaveLength(1);
});

test('a value of GEMINI_SDK without an adapter is refused with the names of the existing ones', () => {
  expect(() => configured('huge')).toThrow(/GEMINI_SDK.*vertexai.*genai.*tiny/s);
});

test('the adapter here is the one shown in docs/another-model.md', () => {
  const plain = (text: string): string => text.replace(/^ +/gm, '');
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const [, code = 'none'] =
    /^(function createTinyModel[\s\S]*?^\})/m.exec(read('another-model.test.ts')) ?? [];
  expect(plain(read('../../../docs/another-model.md'))).toContain(plain(code));
});
