import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyFfmpeg, makeEventClip } from '../helpers/event-clips.ts';
import { costlyClips, strangeCodecs, strangeIndexes } from './helpers/media-attacks.ts';
import { canLimitMemory } from './helpers/memory-limit.ts';
import { uploadNeighbours } from './helpers/neighbours.ts';
import { confinedPipeline } from './helpers/scenes.ts';

const ffmpeg = anyFfmpeg();
const encoders = execFileSync(ffmpeg, ['-hide_banner', '-encoders'], { encoding: 'utf8' });
const canEncode = ['libx264', 'libx265', 'exr', 'snow', 'zmbv'].every((name) =>
  encoders.includes(` ${name} `),
);
if (!canEncode)
  process.stdout.write('hostile: SKIPPED, this ffmpeg cannot make the clips: it takes libx264 and libx265\n');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-media-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!canLimitMemory || !canEncode)('small files that are expensive to decode', () => {
  test('each is rejected once, with the true reason, and costs nothing', { timeout: 600_000 }, async () => {
    const attacks = [
      ...(await costlyClips(folder, ffmpeg)),
      ...(await strangeCodecs(folder, ffmpeg)),
      ...(await strangeIndexes(folder, ffmpeg)),
    ];
    const clip = await makeEventClip(folder, 'neighbour.mp4', { seconds: 2, box: [1, 1.5] });
    const pipeline = await confinedPipeline();
    try {
      const uploads = await Promise.all(attacks.map(({ path, name }) => pipeline.upload(path, name)));
      const neighbours = await uploadNeighbours(pipeline, { clip });
      for (const [index, { name, code, reason }] of attacks.entries()) {
        const { outcome, rejection, attempts, tokens } = await pipeline.manifestOf(uploads[index]!);
        expect({ name, outcome, attempts, tokens, rejection }).toEqual({
          ...{ name, outcome: 'rejected', attempts: 1, tokens: undefined },
          rejection: { code, reason: expect.stringMatching(reason) },
        });
      }
      await neighbours.ended();
      expect(pipeline.crashes).toEqual([]);
      expect(pipeline.memory().oomKills).toBe(0);
      expect(pipeline.deadLetters()).toBe(0);
      process.stdout.write(`hostile: ${attacks.length} media attacks: ${pipeline.told()}\n`);
    } finally {
      await pipeline.close();
    }
  });
});
