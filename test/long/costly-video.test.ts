import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseVideoConfig } from '../../functions/video/settings.ts';
import { chooseFfmpeg } from '../../functions/video/tools.ts';
import { createLogger } from '../../shared/core/log.ts';
import { anyFfmpeg, makeEventClip } from '../helpers/event-clips.ts';
import { startPipeline } from '../helpers/pipeline.ts';

let folder = '';
let clip = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'costly-'));
  clip = await makeEventClip(folder, 'clip.mp4', { seconds: 2, box: [1, 1.5] });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('an upload that gets ffmpeg killed twice ends in a manifest at the second delivery', async () => {
  // The kernel kills it, as when memory runs out: here after one second of CPU time.
  const killed = join(folder, 'killed');
  const script = `[ "$1" = -version ] && exec ${anyFfmpeg()} -version\nulimit -t 1\nwhile :; do :; done`;
  await writeFile(killed, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const pipeline = await startPipeline({ env: { FFMPEG_PATH: killed } });
  try {
    const manifest = await pipeline.manifestOf(await pipeline.upload(clip, 'clip.mp4'));
    expect(manifest).toMatchObject({
      outcome: 'rejected',
      attempts: 2,
      rejection: {
        code: 'too-costly',
        reason: 'decoding failed twice in the same way: ffmpeg was killed from outside by SIGKILL',
      },
    });
    expect(manifest.tokens).toBeUndefined();
    expect(pipeline.deadLetters()).toBe(0);
  } finally {
    await pipeline.close();
  }
});

test('the ffmpeg of 2018 from npm is refused on Google, unless a setting allows it', async () => {
  const onGoogle = { FRAMES_BUCKET: 'frames', STATE_BUCKET: 'state', K_SERVICE: 'processvideo' };
  const bundled = {
    path: 'ffmpeg',
    version: 'N-47683',
    source: 'bundled',
    hasFpsMode: false,
    misreadsSegments: false,
    seeksEarly: true,
  } as const;
  const log = createLogger();
  const refused = chooseFfmpeg(parseVideoConfig(onGoogle), log, async () => ({
    ...bundled,
    packetsAhead: 4,
    misreadsSegments: false,
  }));
  await expect(refused).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringMatching(/only ffmpeg here is N-47683 of 2018 .* set ALLOW_BUNDLED_FFMPEG=true$/),
  });
  const allowed = parseVideoConfig({ ...onGoogle, ALLOW_BUNDLED_FFMPEG: 'true' });
  expect(
    await chooseFfmpeg(allowed, log, async () => ({ ...bundled, packetsAhead: 4, misreadsSegments: false })),
  ).toMatchObject(bundled);
});
