import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { uploadIdOf } from '../../functions/video/records.ts';
import { violations } from '../chaos/violations.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { FULL } from '../helpers/full-form.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { setVertexFaults } from '../helpers/vertex-faults.ts';

let clips: string;
let clip: string;
let pipeline: Pipeline;
let count = 0;
/** Called for every object written, before the writer is answered. */
let onWritten: (name: string) => void = () => {};

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'fault-clips-'));
  clip = await makeEventClip(clips, 'box.mp4', { seconds: 4, box: [1.8, 2.3] });
  pipeline = await startPipeline({
    env: { LEASE_SECONDS: '1', ATTEMPT_SECONDS: FULL ? '12' : '60' },
    maxDeliveryAttempts: 5,
    events: { onFinalized: ({ name }) => onWritten(name) },
  });
});
afterAll(async () => {
  await pipeline.close();
  await rm(clips, { recursive: true, force: true });
});
afterEach(async () => {
  pipeline.cloud.gcs.faults.clear();
  await setVertexFaults(pipeline.cloud, { kinds: [] });
});

/** In full all of them, otherwise those with these words. */
const sample = <T extends readonly [how: string, ...unknown[]]>(words: RegExp, cases: readonly T[]): T[] =>
  cases.filter(([how]) => FULL || words.test(how));

const upload = () => pipeline.upload(clip, `fault-${++count}.mp4`);

describe('Gemini fails', () => {
  const faults: [how: string, kinds: string[], attempts: number][] = [
    ['is over quota twice', ['429', '429'], 1],
    ['is unavailable', ['503', '503'], 1],
    ['has its service agents set up', ['service-agents'], 1],
    ['resets the connection', ['reset'], 1],
    ['breaks off its answer', ['cut'], 1],
    ['answers half a JSON', ['malformed'], 1],
    ['answers nothing', ['empty'], 1],
    ['runs out of tokens', ['max-tokens'], 1],
    ['answers after the attempt has ended', ['slow:20000'], 2],
  ];
  test.each(sample(/resets/, faults))('once it %s: the upload ends framed', async (_how, kinds, attempts) => {
    await setVertexFaults(pipeline.cloud, { kinds });
    const one = await upload();
    const manifest = await pipeline.manifestOf(one);
    expect(manifest.outcome).toBe('framed');
    expect(manifest.attempts).toBe(attempts);
    expect(manifest.model!.asks).toBeGreaterThanOrEqual(attempts === 1 ? 3 : 2);
    expect(await violations(pipeline, one)).toEqual([]);
  });

  test('a video it refuses for safety is rejected and not sent again', async () => {
    await setVertexFaults(pipeline.cloud, { kinds: ['safety'], times: 10 });
    const before = pipeline.cloud.vertex!.stats().received;
    const manifest = await pipeline.manifestOf(await upload());
    expect(manifest).toMatchObject({ outcome: 'rejected', rejection: { code: 'blocked' }, attempts: 1 });
    // The tokens already paid for stay on record.
    expect(manifest).toMatchObject({ model: { asks: 1 }, tokens: { total: expect.any(Number) } });
    expect(manifest.estimatedCost).toBeGreaterThan(0);
    expect(pipeline.cloud.vertex!.stats().received - before).toBe(1);
  });

  test('a video it never answers for becomes a dead letter, with every attempt on record', async ({
    skip,
  }) => {
    skip(!FULL);
    await setVertexFaults(pipeline.cloud, { kinds: ['403'], times: 1_000 });
    const uploaded = await upload();
    const outcome = await pipeline.settled(uploaded);
    expect(outcome).toMatchObject({
      kind: 'dead-letter',
      attempts: 5,
      reason: expect.stringMatching(/^denied: /),
    });
    expect(pipeline.deadLetters()).toBe(1);
    const failures = (await pipeline.names('state')).filter((name) =>
      name.startsWith('failures/processVideo/'),
    );
    const history = uploadIdOf({ bucket: 'raw', ...uploaded });
    expect(failures.filter((name) => name.includes(history)).length).toBeGreaterThanOrEqual(5);
  });
});

test('the process is killed right after it wrote a frame: the next delivery finishes the work, once', async () => {
  // test/chaos/once.test.ts does so after every write
  let killed = 0;
  onWritten = (name) => {
    const pid = pipeline.cloud.processes[0]?.pid();
    if (killed > 0 || !name.includes('/frame-01') || pid === undefined) return;
    killed++;
    process.kill(pid, 'SIGKILL');
  };
  const one = await upload();
  expect(await pipeline.manifestOf(one)).toMatchObject({ outcome: 'framed' });
  expect(killed).toBe(1);
  expect(await violations(pipeline, one)).toEqual([]);
});

describe('storage fails', () => {
  const faulty: [how: string, faults: Parameters<Pipeline['cloud']['gcs']['faults']['add']>[0][]][] = [
    ['answers 503 to every third request', [{ action: { kind: 'status', status: 503 }, skip: 2, times: 3 }]],
    ['drops connections', [{ action: { kind: 'drop' }, skip: 1, times: 3 }]],
    [
      'says once that the video is missing',
      [{ action: { kind: 'status', status: 404 }, bucket: 'raw', operations: ['stat'] }],
    ],
    [
      'says once that its bytes are missing',
      [{ action: { kind: 'status', status: 404 }, bucket: 'raw', operations: ['read'] }],
    ],
    [
      'cuts the video short',
      [{ action: { kind: 'cut', afterBytes: 1_000 }, bucket: 'raw', operations: ['read'], times: 2 }],
    ],
    [
      'answers 412 to its own write of a record',
      [{ action: { kind: 'applied-status', status: 412 }, name: 'detection.json' }],
    ],
    [
      'answers 412 to its own write of the frame',
      [{ action: { kind: 'applied-status', status: 412 }, name: '/frame-01' }],
    ],
    [
      'answers 412 to its own write of the manifest',
      [{ action: { kind: 'applied-status', status: 412 }, name: 'manifest.json', skip: 1 }],
    ],
    [
      'writes the record and loses the answer',
      [{ action: { kind: 'applied-drop' }, name: 'coarse.json', skip: 1 }],
    ],
    [
      'writes the frame and answers 503',
      [{ action: { kind: 'applied-status', status: 503 }, name: '/frame-01' }],
    ],
    [
      'writes the manifest and loses the answer',
      [{ action: { kind: 'applied-drop' }, name: 'manifest.json', skip: 1 }],
    ],
  ];
  test.each(sample(/writes the manifest/, faulty))(
    'it %s: the upload ends framed, once',
    async (_how, faults) => {
      const { gcs } = pipeline.cloud;
      const name = `fault-${++count}.mp4`;
      for (const fault of faults) gcs.faults.add(fault);
      const one = await pipeline.upload(clip, name);
      const manifest = await pipeline.manifestOf(one);
      expect(manifest).toMatchObject({ outcome: 'framed', attempts: 1 });
      expect(await violations(pipeline, one)).toEqual([]);
      expect(gcs.faults.list().every(({ met }) => met > 0)).toBe(true);
    },
  );

  test('it flips one bit of a video too long for a checksum: read again, and framed', async ({ skip }) => {
    skip(!FULL);
    const long = join(clips, 'long.mp4');
    const padding = Buffer.alloc(300_000);
    padding.writeUInt32BE(padding.length, 0);
    padding.write('free', 4, 'latin1');
    await writeFile(long, Buffer.concat([await readFile(clip), padding]));
    pipeline.cloud.gcs.faults.add({ action: { kind: 'corrupt' }, bucket: 'raw', operations: ['read'] });
    const manifest = await pipeline.manifestOf(await pipeline.upload(long, 'long.mp4'));
    expect(manifest).toMatchObject({ outcome: 'framed', attempts: 1 });
    expect(pipeline.logs.find(({ object }) => object === 'gs://raw/long.mp4')).toMatchObject({
      message: 'refused on the first read, accepted on the second',
      code: 'unsupported-media',
    });
  });
});
