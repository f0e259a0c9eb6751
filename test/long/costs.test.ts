import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeEventClip } from '../helpers/event-clips.ts';
import { startPipeline } from '../helpers/pipeline.ts';

test('one video costs the storage operations that docs/costs.md says', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'costs-'));
  const pipeline = await startPipeline();
  try {
    const clip = await makeEventClip(dir, 'box.mp4', { seconds: 2, box: [0.8, 1.3] });
    const settled = () => pipeline.logs.some(({ message }) => message === 'video settled');
    await pipeline.upload(clip, 'a.mp4');
    await expect.poll(settled, { timeout: 40_000 }).toBe(true);
    const { operations } = pipeline.cloud.gcs.stats();
    const count = (...names: (keyof typeof operations)[]) =>
      names.reduce((sum, name) => sum + (operations[name]?.requests ?? 0), 0);
    // minus the upload itself
    expect(count('upload') - 1 + count('list')).toBe(10);
    expect(count('read', 'stat')).toBeLessThanOrEqual(8);
  } finally {
    await pipeline.close();
    await rm(dir, { recursive: true, force: true });
  }
});
