import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAsk } from '../../cli/ask/command.ts';
import { core } from '../../functions/app.ts';
import type { Manifest } from '../../functions/video/manifest.ts';
import { questionIdOf, resultIdOf, videoNames } from '../../functions/video/records.ts';
import { BUCKETS } from '../../local/cloud.ts';
import { CORE_DIR } from '../../shared/app/load-app.ts';
import { withOptional } from '../../shared/app/optional.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { FULL } from '../helpers/full-form.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';

let pipeline: Pipeline;
let clips = '';
/** The demo, which test/integration/start.test.ts runs, asks two questions of one upload, too. */
describe.runIf(FULL)('several questions', () => {
  beforeAll(async () => {
    clips = await mkdtemp(join(tmpdir(), 'questions-'));
    const app = { app: withOptional(core, { questions: true }), dir: CORE_DIR };
    pipeline = await startPipeline({ app, only: ['processVideo', 'answerQuestion'] });
  });
  afterAll(async () => {
    await pipeline.close();
    await rm(clips, { recursive: true, force: true });
  });

  async function ask(...args: string[]) {
    const texts = ['', ''];
    const [stdout, stderr] = [0, 1].map(
      (index) =>
        new Writable({
          write(chunk, _encoding, done) {
            texts[index] += String(chunk);
            done();
          },
        }),
    ) as [Writable, Writable];
    const code = await runAsk([...args, '--local', pipeline.dir], { stdout, stderr, env: {} });
    return { code, stdout: texts[0] ?? '', stderr: texts[1] ?? '' };
  }

  async function stored(name: string): Promise<Manifest> {
    const found = await pipeline.cloud.storage.bucket(BUCKETS.frames).get(name);
    return JSON.parse(Buffer.from(found!.body).toString());
  }

  const asks = () => pipeline.cloud.vertex!.stats().received;

  test('one upload, two questions, and a third one later: each with its own result', async () => {
    const clip = await makeEventClip(clips, 'box.mp4', { seconds: 6, box: [3.68, 4.3] });
    const upload = await pipeline.upload(clip, 'box.mp4', {
      moment: 'an orange box',
      'moment-2': 'a square',
    });
    const first = await pipeline.manifestOf(upload);
    expect(first).toMatchObject({ outcome: 'framed', question: { moment: 'an orange box' } });
    expect(first.question).not.toHaveProperty('id');

    // it is there before the first one, which settles the upload
    const object = { bucket: 'raw', name: upload.name, generation: upload.generation };
    const id = questionIdOf({ moment: 'a square', maxMoments: 1 });
    const names = videoNames(object, id);
    const second = await stored(names.manifest);
    expect(second).toMatchObject({ outcome: 'framed', question: { id, moment: 'a square' } });
    expect(second.moments[0]!.frame.name).toBe(
      first.moments[0]!.frame.name.replace(`/${upload.generation}/`, `/${upload.generation}/q-${id}/`),
    );
    expect(second.moments[0]!.seconds).toBeCloseTo(3.68, 2);

    const before = asks();
    const later = await ask('box.mp4', 'something new', '--json');
    expect(later.code).toBe(0);
    const third: Manifest = JSON.parse(later.stdout);
    expect(third).toMatchObject({ outcome: 'framed', question: { moment: 'something new' } });
    expect(third.correlationId).toBe(first.correlationId);
    expect(asks()).toBe(before + 2);

    // asked again, in whichever way it was asked before
    for (const words of ['something new', 'a square', 'an orange box']) {
      const again = await ask(`gs://raw/box.mp4#${upload.generation}`, words);
      expect(again).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('asked before: nothing was paid'),
      });
    }
    expect(asks()).toBe(before + 2);
    expect(await stored(videoNames(object).manifest)).toEqual(first);

    // each has its own event
    const published = () => pipeline.logs.filter(({ message }) => message === 'event published').length;
    await expect.poll(published).toBe(3);
    expect(resultIdOf(object, id)).not.toBe(resultIdOf(object));
  });

  test('a question about nothing, and one that is none', async () => {
    expect(await ask('gone.mp4', 'a dog')).toMatchObject({
      code: 1,
      stderr: 'gs://raw/gone.mp4 is not there\n',
    });
    expect(await ask('gone.mp4')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a video and one question in quotes must be given, got 1 argument'),
    });
    expect((await ask('--help')).stdout).toContain(
      'usage: pipeline ask gs://BUCKET/NAME[#GENERATION] QUESTION',
    );
  });
});
