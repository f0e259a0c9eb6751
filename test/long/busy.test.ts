import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUCKETS } from '../../local/cloud.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { finalizedRequest } from '../helpers/events.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { setVertexFaults } from '../helpers/vertex-faults.ts';

let dir: string;
let pipeline: Pipeline;
const stray: string[] = [];
/** Posts the next duplicate, beside Eventarc's own delivery. */
let post: (() => Promise<number>) | undefined;
let duplicates: Promise<number>[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'busy-'));
  pipeline = await startPipeline({
    env: { REFINE_STILLS: '6' },
    maxDeliveryAttempts: 100,
    onStrayLine: (line) => stray.push(line),
    events: {
      onFinalized(resource) {
        if (resource.bucket !== BUCKETS.raw) return;
        const { headers, body } = finalizedRequest(resource);
        const [{ url } = { url: '' }] = pipeline.cloud.processes;
        post = async () => (await fetch(url, { method: 'POST', headers, body })).status;
        duplicates = Array.from({ length: 4 }, post);
      },
    },
  });
}, 60_000);
afterAll(async () => {
  await pipeline?.close();
  await rm(dir, { recursive: true, force: true });
});

test('five deliveries of one upload at once: one works, and four are deferred without an error', {
  timeout: 60_000,
}, async () => {
  await setVertexFaults(pipeline.cloud, { kinds: ['slow:1500'] });
  const clip = await makeEventClip(dir, 'box.mp4', { seconds: 2, box: [0.8, 1.3] });
  const upload = await pipeline.upload(clip, 'once.mp4');
  await expect(pipeline.manifestOf(upload)).resolves.toMatchObject({ outcome: 'framed', attempts: 1 });

  const statuses = await Promise.all(duplicates);
  const putOff = () => pipeline.logs.filter(({ message }) => message === 'delivery put off');
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(3);
  expect(statuses.every((status) => status === 429 || status === 204)).toBe(true);
  expect(putOff().length).toBeGreaterThanOrEqual(4);
  expect(putOff()[0]).toMatchObject({ severity: 'INFO', code: 'busy' });

  // a deferred delivery is settled once the work is done
  expect(await post!()).toBe(204);
  expect(pipeline.deadLetters()).toBe(0);
  expect(pipeline.logs.filter(({ severity }) => severity === 'ERROR')).toEqual([]);
  expect(stray).toEqual([]);
  expect((await pipeline.names('state')).filter((name) => name.startsWith('failures/'))).toEqual([]);
});
