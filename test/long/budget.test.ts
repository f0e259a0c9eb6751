import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUCKETS } from '../../local/cloud.ts';
import { violations } from '../chaos/violations.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { startCli } from '../helpers/lake.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';

let dir: string;
let clip: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'budget-'));
  clip = await makeEventClip(dir, 'box.mp4', { seconds: 2, box: [0.8, 1.3] });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

type Upload = Awaited<ReturnType<Pipeline['upload']>>;

/** Two instances, both killed when a slot with one of these numbers (from 1) is taken. */
async function start(
  cloud: string,
  env: Record<string, string>,
  killedAt: number[] = [],
): Promise<Pipeline & { kills(): number }> {
  let taken = 0;
  let kills = 0;
  const pipeline = await startPipeline({
    dir: join(dir, cloud),
    instances: 2,
    only: ['processVideo', 'inspectDeadLetter'],
    env: { LEASE_SECONDS: '1', REFINE_STILLS: '6', ...env },
    maxDeliveryAttempts: 8,
    backoff: { minMs: 150, maxMs: 600 },
    events: {
      onFinalized: ({ bucket, name }) => {
        if (bucket !== BUCKETS.state || !name.startsWith('budget/')) return;
        if (!killedAt.includes(++taken)) return;
        for (const one of pipeline.cloud.processes.slice(0, 2)) {
          const pid = one.pid();
          if (pid === undefined) continue;
          try {
            process.kill(pid, 'SIGKILL');
            kills++;
          } catch {
            // the process is just restarting
          }
        }
      },
    },
  });
  return Object.assign(pipeline, { kills: () => kills });
}

const uploadFive = (pipeline: Pipeline): Promise<Upload[]> =>
  Promise.all([1, 2, 3, 4, 5].map((number) => pipeline.upload(clip, `clip-${number}.mp4`)));

const slots = async (pipeline: Pipeline, kind: string): Promise<string[]> =>
  (await pipeline.names('state')).filter((name) => name.startsWith('budget/') && name.includes(`/${kind}/`));

/** Counts of framed and of given-up uploads, the latter by the reason of their last attempt. */
async function ends(pipeline: Pipeline, uploads: Upload[]): Promise<{ framed: number; overBudget: number }> {
  const outcomes = await Promise.all(uploads.map((upload) => pipeline.settled(upload)));
  return {
    framed: outcomes.filter(({ kind }) => kind === 'manifest').length,
    overBudget: outcomes.filter(
      (outcome) => outcome.kind === 'dead-letter' && outcome.reason.startsWith('over-budget: '),
    ).length,
  };
}

/** Number of dead letters that have been explained and kept. */
const kept = async (pipeline: Pipeline): Promise<number> =>
  (await pipeline.names('state')).filter((name) => /^dead-letters\/.*\/death-/.test(name)).length;

/** Replays as an operator does when there is room again. */
async function replay(pipeline: Pipeline): Promise<void> {
  const run = await startCli([
    ...['dlq', 'replay', '--code', 'over-budget', '--wait', '60', '--local', pipeline.dir],
  ]).ended;
  expect(run).toMatchObject({ code: 0 });
}

async function allHome(pipeline: Pipeline, uploads: Upload[]): Promise<void> {
  const found = await Promise.all(uploads.map((upload) => violations(pipeline, upload)));
  expect(found.flat()).toEqual([]);
}

test('three videos a day, five uploads at once, processes killed: three are paid for, two wait for more room', async () => {
  let uploads: Upload[] = [];
  const pipeline = await start('videos', { DAILY_VIDEOS: '3', DAILY_GEMINI_CALLS: '0' }, [2, 3]);
  try {
    uploads = await uploadFive(pipeline);
    expect(await ends(pipeline, uploads)).toEqual({ framed: 3, overBudget: 2 });
    expect(await slots(pipeline, 'videos')).toHaveLength(3);
    expect(pipeline.kills()).toBeGreaterThanOrEqual(2);
    // every video that the model has seen
    expect(Object.keys(pipeline.cloud.vertex!.stats().byUri)).toHaveLength(3);
    const codes = pipeline.logs.filter(({ message }) => message === 'attempt failed').map(({ code }) => code);
    expect(codes).toContain('over-budget');
    await expect.poll(() => kept(pipeline)).toBe(2);
  } finally {
    await pipeline.close();
  }
  const raised = await start('videos', { DAILY_VIDEOS: '5', DAILY_GEMINI_CALLS: '0' });
  try {
    await replay(raised);
    await allHome(raised, uploads);
    expect(await slots(raised, 'videos')).toHaveLength(5);
    expect(Object.keys(raised.cloud.vertex!.stats().byUri)).toHaveLength(2);
  } finally {
    await raised.close();
  }
}, 120_000);

test('two videos a day for each folder, processes killed: one uploader takes nothing from the others', async () => {
  const env = { DAILY_VIDEOS_PER_PREFIX: '2', DAILY_VIDEOS: '3', DAILY_GEMINI_CALLS: '0' };
  const pipeline = await start('folders', env, [2, 4]);
  try {
    const names = ['alice/1.mp4', 'alice/2.mp4', 'alice/deep/3.mp4', 'alice/4.mp4'];
    const alice = await Promise.all(names.map((name) => pipeline.upload(clip, name)));
    expect(await ends(pipeline, alice)).toEqual({ framed: 2, overBudget: 2 });
    const bob = await pipeline.upload(clip, 'bob/1.mp4');
    expect(await ends(pipeline, [bob])).toEqual({ framed: 1, overBudget: 0 });
    expect(await slots(pipeline, 'videos')).toHaveLength(3);
    expect(await slots(pipeline, 'videos-by-prefix')).toHaveLength(3);
    expect(pipeline.kills()).toBeGreaterThanOrEqual(1);
    const reasons = pipeline.logs.filter(({ code }) => code === 'over-budget').map(({ reason }) => reason);
    expect(reasons[0]).toMatch(
      /the limit of 2 videos for .* begin with "alice\/" is reached \(DAILY_VIDEOS_PER_PREFIX\)/,
    );
    await expect.poll(() => kept(pipeline)).toBe(2);
  } finally {
    await pipeline.close();
  }
}, 240_000);

test('three requests a day for five uploads, processes killed: no fourth is sent', async () => {
  let uploads: Upload[] = [];
  const pipeline = await start('calls', { DAILY_VIDEOS: '0', DAILY_GEMINI_CALLS: '3' }, [2]);
  try {
    uploads = await uploadFive(pipeline);
    const { framed, overBudget } = await ends(pipeline, uploads);
    // two requests per video, plus those interrupted by the kill
    expect(framed).toBeLessThanOrEqual(1);
    expect(framed + overBudget).toBe(5);
    await expect.poll(() => kept(pipeline)).toBe(overBudget);
    expect(pipeline.cloud.vertex!.stats().received).toBeLessThanOrEqual(3);
    expect(await slots(pipeline, 'gemini-calls')).toHaveLength(3);
  } finally {
    await pipeline.close();
  }
  const raised = await start('calls', { DAILY_VIDEOS: '0', DAILY_GEMINI_CALLS: '100' });
  try {
    await replay(raised);
    await allHome(raised, uploads);
  } finally {
    await raised.close();
  }
}, 120_000);
