import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { privateBundle } from '../../build.ts';
import { startGcsServer } from '../../local/gcs/server.ts';
import { freePort } from '../../local/ports.ts';
import { startPubsubServer } from '../../local/pubsub/server.ts';
import { binaryRequest, finalizedEvent } from '../helpers/events.ts';
import type { Emit } from './main.ts';

const cache = fileURLToPath(new URL('../../node_modules/.cache/event-pipeline/', import.meta.url));
const framework = join(
  dirname(createRequire(import.meta.url).resolve('@google-cloud/functions-framework')),
  'main.js',
);
const ROUNDS = 15;

/** The packages a video needs, imported with no regard for cold starts. */
const PLAIN = `
import { cloudEvent } from '@google-cloud/functions-framework';
import { Storage } from '@google-cloud/storage';
import { VertexAI } from '@google-cloud/vertexai';
import ffmpeg from 'fluent-ffmpeg';
import sharp from 'sharp';
export const used = [Storage, VertexAI, ffmpeg, sharp];
cloudEvent('fn', async (_event) => {});
`;
const EMPTY = `
import { cloudEvent } from '@google-cloud/functions-framework';
cloudEvent('fn', async (_event) => {});
`;

/** Milliseconds from process start to the first answer, against an empty function in the same run. */
export async function bench(emit: Emit): Promise<void> {
  await mkdir(cache, { recursive: true });
  const made = await privateBundle();
  const empty = await sourceFolder(EMPTY);
  const plain = await sourceFolder(PLAIN);
  const storage = await mkdtemp(join(cache, 'gcs-'));
  const gcs = await startGcsServer({ dir: storage, buckets: ['raw', 'frames', 'state'] });
  const pubsub = await startPubsubServer({ dir: join(storage, 'pubsub'), topics: ['dead-letters'] });
  const env = {
    DEAD_LETTER_TOPIC: 'dead-letters',
    PUBSUB_API_ENDPOINT: pubsub.url,
    FRAMES_BUCKET: 'frames',
    STATE_BUCKET: 'state',
    STORAGE_API_ENDPOINT: gcs.url,
    GOOGLE_CLOUD_PROJECT: 'local',
  };
  const refused = finalizedEvent({}, { type: 'google.cloud.storage.object.v1.deleted' });
  try {
    const times: Record<string, number[]> = { empty: [], plain: [], refused: [], loaded: [] };
    // Interleave the rounds, so that a noisy minute affects all of them alike.
    for (let round = 0; round < ROUNDS; round++) {
      times['empty']!.push(await firstAnswer(empty, 'fn', {}, refused));
      times['plain']!.push(await firstAnswer(plain, 'fn', {}, refused));
      times['refused']!.push(await firstAnswer(made.dir, 'processVideo', env, refused));
      times['loaded']!.push(
        await firstAnswer(made.dir, 'processVideo', { ...env, PRELOAD: 'true' }, refused),
      );
    }
    const base = median(times['empty']!);
    const ratio = (name: string): number => round2(median(times[name]!) / base);
    emit({ name: 'cold-start empty function', value: round2(base), unit: 'ms' });
    emit({
      name: 'cold-start event refused, published as a dead letter',
      value: ratio('refused'),
      unit: 'x empty',
      bound: 1.3,
      plain: ratio('plain'),
    });
    emit({
      name: 'cold-start all loaded',
      value: ratio('loaded'),
      unit: 'x empty',
      bound: 2,
      plain: ratio('plain'),
    });
  } finally {
    await Promise.all([gcs.close(), pubsub.close()]);
    await made.remove();
    for (const dir of [empty, plain, storage]) await rm(dir, { recursive: true, force: true });
  }
}

async function sourceFolder(source: string): Promise<string> {
  const dir = await mkdtemp(cache);
  await writeFile(join(dir, 'package.json'), JSON.stringify({ type: 'module', main: 'index.js' }));
  await writeFile(join(dir, 'index.js'), source);
  return dir;
}

async function firstAnswer(
  source: string,
  target: string,
  env: Record<string, string>,
  event: Record<string, unknown>,
): Promise<number> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn(process.execPath, [framework], {
    cwd: source,
    env: {
      ...env,
      PATH: process.env['PATH'],
      PORT: String(port),
      FUNCTION_TARGET: target,
      FUNCTION_SIGNATURE_TYPE: 'cloudevent',
      NODE_ENV: 'production',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const status = await postUntilAnswered(port, event, started + 20_000);
    if (status !== 204) throw new Error(`${target} answered ${status}; 204 was expected`);
    return performance.now() - started;
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

async function postUntilAnswered(
  port: number,
  event: Record<string, unknown>,
  until: number,
): Promise<number> {
  const { headers, body } = binaryRequest(event);
  for (;;) {
    const status = await new Promise<number | undefined>((resolve) => {
      const sent = request({ port, host: '127.0.0.1', method: 'POST', headers, agent: false }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', () => resolve(undefined));
      sent.end(body);
    });
    if (status !== undefined) return status;
    if (performance.now() > until) throw new Error(`port ${port} did not answer in 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
