import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUCKETS } from '../../local/cloud.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { startPipeline } from '../helpers/pipeline.ts';

// Loaded by require: its ES module does not parse on Node 20.9.
const sharp = createRequire(import.meta.url)('sharp') as typeof import('sharp').default;

let clips: string;
let clip: string;

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'frame-settings-'));
  clip = await makeEventClip(clips, 'box.mp4', { seconds: 6, box: [3.7, 4.3] });
});
afterAll(() => rm(clips, { recursive: true, force: true }));

test.each([
  [
    'jpeg of 200 pixels, through the other SDK',
    { FRAME_FORMAT: 'jpeg', FRAME_WIDTH: '200', GEMINI_SDK: 'genai' },
    'jpeg',
    200,
  ],
  ['webp, the coarse pass alone', { FRAME_FORMAT: 'webp', REFINE: 'none' }, 'webp', 320],
  ['avif, bytes sent inline', { FRAME_FORMAT: 'avif', GEMINI_VIDEO: 'inline' }, 'heif', 320],
])('with settings: %s', async (_case, env, format, width) => {
  const pipeline = await startPipeline({ env });
  try {
    const manifest = await pipeline.manifestOf(await pipeline.upload(clip));
    expect(manifest.outcome).toBe('framed');
    const { frame } = manifest.moments[0]!;
    const stored = await pipeline.cloud.storage.bucket(BUCKETS.frames).get(frame.name);
    expect(await sharp(stored!.body).metadata()).toMatchObject({ format, width });
    expect(frame.width).toBe(width);
  } finally {
    await pipeline.close();
  }
});
