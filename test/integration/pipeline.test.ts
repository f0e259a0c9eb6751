import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUCKETS } from '../../local/cloud.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { binaryRequest, finalizedEvent, notificationEvent, objectResource } from '../helpers/events.ts';
import { FULL } from '../helpers/full-form.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { setVertexFaults } from '../helpers/vertex-faults.ts';

// Loaded by require: its ES module does not parse on Node 20.9.
const sharp = createRequire(import.meta.url)('sharp') as typeof import('sharp').default;

let clips: string;
let clip: string;
let still: string;

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'pipeline-clips-'));
  clip = await makeEventClip(clips, 'box.mp4', { seconds: 6, box: [3.7, 4.3] });
  still = await makeEventClip(clips, 'nothing.mp4', { seconds: 3 });
});
afterAll(() => rm(clips, { recursive: true, force: true }));

/** Colours in the middle of the box and far from it. */
async function pixels(png: Uint8Array): Promise<{ box: number[]; background: number[] }> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  return { box: at(130, 80), background: at(20, 20) };
}

describe('one local cloud that allows two moments and a sheet', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ env: { MAX_MOMENTS: '2', CONTACT_SHEET: 'true' } });
  });
  afterAll(() => pipeline.close());

  test('an upload becomes the frame of its moment and a manifest that describes it', async () => {
    const upload = await pipeline.upload(clip);
    const manifest = await pipeline.manifestOf(upload);
    expect(manifest).toMatchObject({
      schemaVersion: 1,
      outcome: 'framed',
      source: {
        bucket: 'raw',
        name: 'box.mp4',
        generation: upload.generation,
        contentType: 'video/mp4',
        video: { container: 'mp4', codec: 'h264', width: 320, height: 180, hasAudio: false },
      },
      question: { maxMoments: 2 },
      model: { sdk: 'vertexai', name: 'gemini-3.8-flash', asks: 2 },
      attempts: 1,
    });
    const [moment] = manifest.moments;
    // Found at 00:04 at 1 frame per second, then chosen among the stills around it.
    expect(moment).toMatchObject({ timestamp: '00:04', coarseSeconds: 4, decidedBy: 'stills' });
    expect(moment!.seconds).toBeGreaterThanOrEqual(3.68);
    expect(moment!.seconds).toBeLessThan(4.3);

    const frames = pipeline.cloud.storage.bucket(BUCKETS.frames);
    const stored = await frames.get(moment!.frame.name);
    expect(stored!.facts).toMatchObject({
      size: moment!.frame.size,
      crc32c: moment!.frame.crc32c,
      generation: moment!.frame.generation,
      contentType: 'image/png',
      metadata: {
        'source-bucket': 'raw',
        'source-name': 'box.mp4',
        'source-generation': upload.generation,
        'frame-seconds': moment!.seconds.toFixed(6),
        'correlation-id': manifest.correlationId,
      },
    });
    const { box, background } = await pixels(stored!.body);
    expect(box[0]).toBeGreaterThan(200);
    expect(box[2]).toBeLessThan(60);
    for (const [found, wanted] of [
      [background[0], 0x30],
      [background[1], 0x40],
      [background[2], 0x50],
    ]) {
      expect(Math.abs(found! - wanted!)).toBeLessThan(6);
    }
  });

  test.runIf(FULL)("one log line has the outcome with its numbers, under the request's trace", async () => {
    const upload = await pipeline.upload(clip, 'logged.mp4');
    const manifest = await pipeline.manifestOf(upload);
    const outcomes = () =>
      pipeline.logs.filter((line) => line['object'] === 'gs://raw/logged.mp4' && 'outcome' in line);
    await expect.poll(outcomes).toHaveLength(1);
    const [line] = outcomes();
    expect(line).toMatchObject({
      severity: 'INFO',
      message: 'video settled',
      outcome: 'framed',
      function: 'processVideo',
      correlationId: manifest.correlationId,
      tokens: manifest.tokens!.total,
      'logging.googleapis.com/trace': expect.stringMatching(/^projects\/local\/traces\/[0-9a-f]{32}$/),
    });
  });

  test('a video without the moment ends in a manifest that says so', async () => {
    const manifest = await pipeline.manifestOf(await pipeline.upload(still));
    expect(manifest).toMatchObject({ outcome: 'no-moment', moments: [] });
  });

  test('the upload says what to look for, how often, and under which trace', async () => {
    const twice = await makeEventClip(clips, 'twice.mp4', { seconds: 8, box: [2.8, 3.2] });
    const upload = await pipeline.upload(twice, 'twice.mp4', {
      moment: 'an orange box',
      'max-moments': '2',
      'contact-sheet': 'true',
      'correlation-id': 'order-77',
    });
    const manifest = await pipeline.manifestOf(upload);
    expect(manifest).toMatchObject({
      outcome: 'framed',
      correlationId: 'order-77',
      question: { moment: 'an orange box', maxMoments: 2 },
    });
    const sheet = manifest.moments[0]!.contactSheet!;
    const stored = await pipeline.cloud.storage.bucket(BUCKETS.frames).get(sheet.name);
    expect(await sharp(stored!.body).metadata()).toMatchObject({ format: 'png', width: sheet.width });
  });

  test.each([
    [
      'notes.txt',
      'hello',
      'unsupported-media',
      /name must end with \.mp4.*or content type be video\/\*, got "notes.txt" and "text\/plain"/,
    ],
    ['empty.mp4', '', 'empty-object', /must have at least 1 byte, got 0/],
    ['page.mp4', '<!doctype html><html></html>', 'unsupported-media', /./],
  ])(
    '%s is rejected in a manifest with its reason, and not tried again',
    async (name, body, code, reason) => {
      const file = join(clips, name);
      await writeFile(file, body);
      const upload = await pipeline.upload(file);
      const manifest = await pipeline.manifestOf(upload);
      expect(manifest).toMatchObject({ outcome: 'rejected', moments: [], attempts: 1 });
      expect(manifest.rejection).toMatchObject({ code, reason: expect.stringMatching(reason) });
    },
  );

  test.runIf(FULL)(
    'a new generation of the same name is a new video, and the old one keeps its manifest',
    async () => {
      const first = await pipeline.upload(clip, 'again.mp4');
      await pipeline.manifestOf(first);
      const second = await pipeline.upload(still, 'again.mp4');
      expect(await pipeline.manifestOf(second)).toMatchObject({ outcome: 'no-moment' });
      const manifests = (await pipeline.names('frames')).filter((name) =>
        /^again\.mp4\/.*manifest/.test(name),
      );
      expect(manifests).toEqual([
        `again.mp4/${first.generation}/manifest.json`,
        `again.mp4/${second.generation}/manifest.json`,
      ]);
    },
  );

  test.runIf(FULL)('overwritten while Gemini reads it: the old generation gets no judgement', async () => {
    await setVertexFaults(pipeline.cloud, { kinds: ['slow:1500'] });
    const { received } = pipeline.cloud.vertex!.stats();
    const first = await pipeline.upload(still, 'swapped.mp4');
    await expect.poll(() => pipeline.cloud.vertex!.stats().received, { timeout: 10_000 }).toBe(received + 1);
    // Gemini opens the name, which by now is this clip, and it shows the moment.
    const second = await pipeline.upload(clip, 'swapped.mp4');
    const manifest = await pipeline.manifestOf(first);
    expect(manifest).toMatchObject({
      outcome: 'rejected',
      rejection: {
        code: 'superseded',
        reason: expect.stringContaining(`now has generation ${second.generation}`),
      },
      moments: [],
      model: { asks: 1 },
    });
    expect(manifest.tokens!.total).toBeGreaterThan(0);
    expect(manifest.estimatedCost).toBeGreaterThan(0);
    expect(await pipeline.manifestOf(second)).toMatchObject({
      outcome: 'framed',
      source: { generation: second.generation },
    });
    const records = (await pipeline.names('state')).filter((name) => /(coarse|detection)\.json$/.test(name));
    expect(records.filter((name) => name.includes(first.generation))).toEqual([]);
  });

  test('a folder created by a console is no upload: a log line, and no manifest', async () => {
    const folder = join(clips, 'folder');
    await writeFile(folder, '');
    const { generation } = await pipeline.upload(folder, 'trips/');
    const line = () => pipeline.logs.find(({ object }) => object === 'gs://raw/trips/');
    await expect.poll(line, { timeout: 10_000 }).toMatchObject({
      severity: 'INFO',
      message: 'folder placeholder ignored',
      generation,
    });
    expect((await pipeline.names('frames')).filter((name) => name.startsWith('trips/'))).toEqual([]);
  });

  test.runIf(FULL)('a replaced or deleted object is reported as such', async () => {
    const gone = finalizedEvent({ name: 'gone.mp4', generation: '5' });
    expect(await post(pipeline, gone)).toBe(204);
    const upload = await pipeline.upload(clip, 'newer.mp4');
    await pipeline.manifestOf(upload);
    expect(await post(pipeline, finalizedEvent({ name: 'newer.mp4', generation: '5' }))).toBe(204);
    const frames = pipeline.cloud.storage.bucket(BUCKETS.frames);
    const read = async (name: string) => JSON.parse(Buffer.from((await frames.get(name))!.body).toString());
    expect(await read('gone.mp4/5/manifest.json')).toMatchObject({ rejection: { code: 'object-gone' } });
    expect(await read('newer.mp4/5/manifest.json')).toMatchObject({
      rejection: {
        code: 'superseded',
        reason: expect.stringContaining(`now has generation ${upload.generation}`),
      },
    });
  });

  test('every form of the event leads to the same manifest', async () => {
    const upload = await pipeline.upload(clip, 'forms.mp4');
    await pipeline.manifestOf(upload);
    const before = await pipeline.names('frames');
    const fields = { name: 'forms.mp4', generation: upload.generation };
    const structured = JSON.stringify(finalizedEvent(fields));
    const forms: [Record<string, string>, string][] = [
      [{ 'content-type': 'application/cloudevents+json' }, structured],
      [{ 'content-type': 'application/json' }, JSON.stringify(objectResource(fields))],
      [{ 'content-type': 'application/cloudevents+json' }, JSON.stringify(notificationEvent(fields))],
      [
        { 'content-type': 'application/json' },
        JSON.stringify({
          message: (notificationEvent(fields)['data'] as { message: unknown }).message,
          subscription: 'projects/demo/subscriptions/uploads',
        }),
      ],
    ];
    for (const [headers, body] of forms) {
      const answer = await fetch(pipeline.cloud.endpoints.functions['processVideo']!, {
        method: 'POST',
        headers,
        body,
      });
      expect(answer.status).toBe(204);
    }
    await expect
      .poll(() => pipeline.logs.filter((line) => line['outcome'] === 'duplicate').length)
      .toBeGreaterThanOrEqual(forms.length);
    expect(await pipeline.names('frames')).toEqual(before);
  });

  const names = [
    ['quotes, percent signs and a query', `it's "67" 100%25 %2F%00 a?b=c&d#e.mp4`],
    ['steps up, emoji and umlauts', '../../etc/Grüße 👋🏽.mp4'],
    ['nothing but an extension', '.MP4'],
    ['1,024 bytes', `${'é'.repeat(510)}.mp4`],
  ] as const;
  test.each(names.slice(0, FULL ? names.length : 1))(
    'a name with %s is an ordinary name',
    async (_what, name) => {
      const upload = await pipeline.upload(clip, name);
      expect(upload.name).toBe(name);
      const manifest = await pipeline.manifestOf(upload);
      expect(manifest).toMatchObject({ outcome: 'framed', source: { name, generation: upload.generation } });
      const { frame } = manifest.moments[0]!;
      expect(Buffer.byteLength(frame.name)).toBeLessThanOrEqual(1_024);
      expect(await pipeline.cloud.storage.bucket(BUCKETS.frames).stat(frame.name)).toMatchObject({
        size: frame.size,
      });
    },
  );

  test('a name with a line break is refused by storage itself', async () => {
    await expect(pipeline.upload(clip, 'a\nb.mp4')).rejects.toThrow(/400|name|Invalid/i);
  });

  test('an event about our own output is refused, kept, and starts no loop', async () => {
    expect(await post(pipeline, finalizedEvent({ bucket: 'frames', name: 'a.mp4' }))).toBe(204);
    expect(pipeline.deadLetters()).toBe(1);
    expect((await pipeline.names('frames')).filter((name) => name.startsWith('a.mp4'))).toEqual([]);
  });

  test('endpoints are written when all answer', async () => {
    expect(JSON.parse(await readFile(join(pipeline.dir, 'endpoints.json'), 'utf8'))).toEqual(
      pipeline.cloud.endpoints,
    );
  });
});

async function post(pipeline: Pipeline, event: Record<string, unknown>): Promise<number> {
  const { headers, body } = binaryRequest(event);
  const answer = await fetch(pipeline.cloud.endpoints.functions['processVideo']!, {
    method: 'POST',
    headers,
    body,
  });
  return answer.status;
}

test.runIf(FULL)(
  'metadata cannot exceed what the operator allows: refused with both numbers, and nothing is paid',
  async () => {
    const pipeline = await startPipeline();
    try {
      const cases: [Record<string, string>, string][] = [
        [{ 'max-moments': '2' }, 'max-moments must be at most 1 (MAX_MOMENTS), got 2'],
        [{ 'contact-sheet': 'yes' }, 'contact-sheet must be false (CONTACT_SHEET), got yes'],
      ];
      for (const [index, [metadata, reason]] of cases.entries()) {
        const { rejection } = await pipeline.manifestOf(
          await pipeline.upload(clip, `${index}.mp4`, metadata),
        );
        expect(rejection).toEqual({ code: 'invalid-metadata', reason });
      }
      expect(pipeline.cloud.vertex!.stats().received).toBe(0);
    } finally {
      await pipeline.close();
    }
  },
);

test('limits come from the configuration', async ({ skip }) => {
  skip(!FULL);
  const bounds = { MIN_SECONDS: '3.5', MAX_SECONDS: '5', MAX_BYTES: '60000', NAME_PREFIX: 'in/' };
  const pipeline = await startPipeline({ env: bounds });
  try {
    const big = join(clips, 'big.mp4');
    await writeFile(big, Buffer.alloc(60_001));
    const cases: [string, string, string, RegExp][] = [
      [still, 'in/short.mp4', 'too-short', /video must be at least 3\.5 s long, got 3 s/],
      [clip, 'in/long.mp4', 'too-long', /video must be at most 5 s long, got 6 s/],
      [big, 'in/big.mp4', 'too-large', /video must have at most 60000 bytes, got 60001/],
      [clip, 'elsewhere.mp4', 'outside-prefix', /name must begin with "in\/", got "elsewhere.mp4"/],
    ];
    for (const [file, name, code, reason] of cases) {
      const { rejection } = await pipeline.manifestOf(await pipeline.upload(file, name));
      expect(rejection).toEqual({ code, reason: expect.stringMatching(reason) });
    }
  } finally {
    await pipeline.close();
  }
});
