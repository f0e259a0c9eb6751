import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import { findMoments } from '../../functions/video/moments/find-moments.ts';
import { refineMoment } from '../../functions/video/moments/refine-moment.ts';
import { testBinaries } from '../helpers/binaries.ts';
import { anyFfmpeg } from '../helpers/event-clips.ts';
import { fileStore } from '../helpers/file-store.ts';
import { FULL } from '../helpers/full-form.ts';
import { standInModel } from '../helpers/stand-in-model.ts';

const [ffmpeg] = await testBinaries();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planted-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A moving test picture of five seconds in which a bright box appears with this frame, for 1.2 seconds. */
async function plant(path: string, rate: string, frame: number): Promise<void> {
  const [num = 1, den = 1] = rate.split('/').map(Number);
  const last = frame + Math.round((1.2 * num) / den);
  const box = `drawbox=x=60:y=30:w=40:h=40:color=orange:t=fill:enable='between(n,${frame},${last})'`;
  const moving = "drawbox=x=10:y=10:w=30:h=10:color=0x406080:t=fill,hue=b='0.1*sin(t)'";
  await promisify(execFile)(anyFfmpeg(), [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `color=c=0x304050:s=160x90:r=${rate}:d=5`],
    ...['-vf', `${moving},${box}`, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2'],
    ...['-pix_fmt', 'yuv420p', path],
  ]);
}

/** Frames a second, and the frame with which the moment begins. */
const RATES: [string, number][] = [
  ['25', 68],
  ['60000/1001', 163],
  ['5', 12],
  ['12.5', 31],
  ['24000/1001', 61],
  ['30000/1001', 80],
  ['50', 131],
  ['120', 301],
  ['240', 655],
];

/** The first two; `.ci/run` tries all of them. */
const rates = FULL ? RATES : RATES.slice(0, 1);

test.each(rates)(
  'at %s frames a second, a moment that begins with frame %i is found to the frame',
  async (rate, frame) => {
    const [num = 1, den = 1] = rate.split('/').map(Number);
    const path = join(folder, `${num}.mp4`);
    await plant(path, rate, frame);
    const { store, object } = await fileStore(path);
    const limits = { maxSeconds: 60, maxPixels: 1_000_000 };
    const file = await openVideoFile({ store, object, ffmpeg: ffmpeg!, limits });
    try {
      const model = standInModel(folder);
      const part = { inline: await readFile(path), mimeType: 'video/mp4' };
      const { durationSeconds } = file.facts;
      const asked = { moment: 'an orange box', maxMoments: 1 };
      const { moments } = await findMoments({ part, durationSeconds }, asked, { model });
      expect(moments).toHaveLength(1);
      const window = { windowSeconds: 2, stillsPerWindow: 12 };
      const refined = await refineMoment(file, moments[0]!, asked, { model, ...window });
      expect(Math.abs(refined.time * (num / den) - frame)).toBeLessThan(1.01);
      // as many requests as before: the change is found without asking
      expect(refined).toMatchObject({ by: 'stills', asks: 1 });
    } finally {
      await file.close();
    }
  },
);
