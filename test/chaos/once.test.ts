import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { privateBundle } from '../../build.ts';
import { BUCKETS } from '../../local/cloud.ts';
import type { ObjectResource } from '../../local/gcs/records.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { finalizedRequest } from '../helpers/events.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { setVertexFaults } from '../helpers/vertex-faults.ts';
import { violations } from './violations.ts';

let clips: string;
let clip: string;

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'chaos-clips-'));
  clip = await makeEventClip(clips, 'box.mp4', { seconds: 4, box: [1.8, 2.3] });
});
afterAll(() => rm(clips, { recursive: true, force: true }));

/** A model that answers differently each time, so that a second question would show. */
const FICKLE = { kinds: ['fickle'], times: 1_000_000 };

type Commit = { bucket: string; name: string };

/** A pipeline that calls `onCommit` for every object written, before the writer is answered. */
async function start(
  onCommit: (pipeline: Pipeline, commit: Commit) => void,
  options = {},
): Promise<Pipeline> {
  let pipeline: Pipeline | undefined;
  pipeline = await startPipeline({
    env: { LEASE_SECONDS: '1' },
    maxDeliveryAttempts: 100,
    events: { onFinalized: (resource) => pipeline && onCommit(pipeline, resource) },
    ...options,
  });
  await setVertexFaults(pipeline.cloud, FICKLE);
  return pipeline;
}

function kill(pipeline: Pipeline, index = 0): void {
  const pid = pipeline.cloud.processes[index % pipeline.cloud.processes.length]?.pid();
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

const paidFor = (pipeline: Pipeline, name: string): number =>
  pipeline.cloud.vertex?.stats().byUri[`gs://${BUCKETS.raw}/${name}`] ?? 0;

test('twenty concurrent deliveries and five later ones: one manifest, one frame, one paid answer', async () => {
  const resources: ObjectResource[] = [];
  const pipeline = await startPipeline({
    instances: 4,
    // deliveries that meet the lease are retried until it is free
    maxDeliveryAttempts: 100,
    events: { onFinalized: (resource) => resource.bucket === BUCKETS.raw && resources.push(resource) },
  });
  try {
    await setVertexFaults(pipeline.cloud, FICKLE);
    const upload = await pipeline.upload(clip, 'twenty.mp4');
    const { headers, body } = finalizedRequest(resources[0]!);
    const deliver = (index: number) =>
      fetch(pipeline.cloud.processes[index % 4]!.url, { method: 'POST', headers, body });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => deliver(index)));
    // Deliveries that met the lease are answered 429; none of them may have done anything.
    expect(answers.filter(({ status }) => status !== 204 && status !== 429)).toEqual([]);
    await pipeline.manifestOf(upload);
    for (let index = 0; index < 5; index++) expect((await deliver(index)).status).toBe(204);
    expect(await violations(pipeline, upload)).toEqual([]);
    expect(paidFor(pipeline, 'twenty.mp4')).toBe(1);
  } finally {
    await pipeline.close();
  }
});

describe('the process is killed right after a write', () => {
  test.each([
    ['its lease', 'lease.json', 1],
    ['the coarse answer', 'coarse.json', 1],
    ['the detection', 'detection.json', 1],
    ['a frame', '/frame-01', 1],
    ['the manifest', 'manifest.json', 1],
  ])('%s: the next delivery finishes the work', async (_what, written, paid) => {
    let killed = 0;
    const pipeline = await start((running, commit) => {
      if (killed > 0 || !commit.name.includes(written)) return;
      killed++;
      kill(running);
    });
    try {
      const upload = await pipeline.upload(clip, 'killed.mp4');
      await pipeline.manifestOf(upload);
      // The last delivery answers: the killed one may have written the manifest.
      await expect
        .poll(() => pipeline.logs.some((line) => /settled/.test(String(line['message']))))
        .toBe(true);
      expect(killed).toBe(1);
      expect(await violations(pipeline, upload)).toEqual([]);
      expect(paidFor(pipeline, 'killed.mp4')).toBe(paid);
    } finally {
      await pipeline.close();
    }
  });
});

test('killed while Gemini answers: it is asked again, and there is still one choice', async () => {
  const pipeline = await start(() => {});
  try {
    await setVertexFaults(pipeline.cloud, { kinds: ['slow:1500'], times: 1 });
    const upload = await pipeline.upload(clip, 'asking.mp4');
    await expect.poll(() => pipeline.cloud.vertex!.stats().received, { timeout: 10_000 }).toBe(1);
    kill(pipeline);
    await pipeline.manifestOf(upload);
    expect(await violations(pipeline, upload)).toEqual([]);
  } finally {
    await pipeline.close();
  }
});

test('without the write-once record the same kill causes a second choice', async () => {
  const source = await readFile(new URL('../../shared/records/record.ts', import.meta.url), 'utf8');
  // Reads find nothing and every write reports success: only the retries are left.
  const forgetful = source
    .replace(
      'const stored = await store.get(key, { ...options, withoutMetadata: true });',
      "if (key.startsWith('videos/')) return undefined;\n  const stored = await store.get(key, { ...options, withoutMetadata: true });",
    )
    .replace(
      "if (outcome.kind === 'written')",
      "if (outcome.kind === 'written' || key.startsWith('videos/'))",
    );
  expect(forgetful.match(/videos/g)).toHaveLength(2);
  const { dir, remove } = await privateBundle([
    {
      name: 'forgetful',
      setup: (build) =>
        build.onLoad({ filter: /shared\/records\/record\.ts$/ }, () => ({
          contents: forgetful,
          loader: 'ts',
        })),
    },
  ]);
  const killedFor = new Set<string>();
  const pipeline = await start(
    (running, commit) => {
      const [name] = commit.name.split('/');
      if (commit.bucket !== BUCKETS.frames || !commit.name.includes('/frame-') || killedFor.has(name!))
        return;
      killedFor.add(name!);
      kill(running);
    },
    { bundleDir: dir },
  );
  try {
    const found: string[] = [];
    for (let index = 0; index < 6 && found.length === 0; index++) {
      const upload = await pipeline.upload(clip, `forgotten-${index}.mp4`);
      await pipeline.manifestOf(upload);
      found.push(...(await violations(pipeline, upload)));
    }
    expect(found.join()).toMatch(/extra|decided/);
  } finally {
    await pipeline.close();
    await remove();
  }
});
