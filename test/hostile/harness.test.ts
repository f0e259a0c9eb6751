import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeEventClip } from '../helpers/event-clips.ts';
import { canLimitMemory, limitMemory } from './helpers/memory-limit.ts';
import {
  endedInTable,
  eventNeighbours,
  letterNeighbours,
  NEIGHBOURS,
  uploadNeighbours,
} from './helpers/neighbours.ts';
import { confinedIngest, confinedInspector, confinedPipeline } from './helpers/scenes.ts';
import { sendAll } from './helpers/sender.ts';

/** Takes 10 MB at a time, 60 times: as buffers, or as files in its folder for temporary files. */
const GREEDY = `
const kept = [];
for (let at = 0; at < 60; at++) {
  const bytes = Buffer.alloc(10e6, 1);
  if (process.argv[1] === 'files') require('fs').writeFileSync(require('os').tmpdir() + '/' + at, bytes);
  else kept.push(bytes);
}`;

describe.skipIf(!canLimitMemory)('the harness of the attacks', () => {
  test.each(['buffers', 'files'])(
    'a process that takes 600 MB as %s in 512 MiB is killed, in 1 GiB it is not',
    async (how) => {
      for (const [size, kills] of [
        ['512Mi', 1],
        ['1Gi', 0],
      ] as const) {
        const limit = limitMemory(size);
        try {
          const [command = '', ...args] = [...limit.prefix, process.execPath, '-e', GREEDY, how];
          const [code, signal] = await once(spawn(command, args, { stdio: 'inherit' }), 'exit');
          expect([code, signal]).toEqual(kills ? [null, 'SIGKILL'] : [0, null]);
          expect(limit.facts().oomKills).toBe(kills);
          expect(limit.facts().peakBytes).toBeGreaterThan(kills ? 500e6 : 600e6);
        } finally {
          await limit.remove();
        }
      }
    },
  );

  test('without an attack, the neighbours of ingestEvent succeed', async () => {
    const scene = await confinedIngest();
    try {
      const report = await sendAll(scene.processes[0]!.url, eventNeighbours());
      expect(report).toMatchObject({ results: { 204: NEIGHBOURS }, mostAttempts: 1, givenUp: 0 });
      await endedInTable(scene);
      expect(scene.crashes).toEqual([]);
      process.stdout.write(`hostile: ingestEvent at peace: ${scene.told()}\n`);
    } finally {
      await scene.close();
    }
  });

  test('a killed function is started again, and its neighbours succeed', async () => {
    const scene = await confinedIngest();
    try {
      const sending = sendAll(scene.processes[0]!.url, eventNeighbours());
      process.kill(scene.processes[0]!.pid()!, 'SIGKILL');
      expect(await sending).toMatchObject({ givenUp: 0 });
      await endedInTable(scene);
      expect(scene.crashes).toEqual(['SIGKILL']);
    } finally {
      await scene.close();
    }
  });

  test('without an attack, the neighbours of inspectDeadLetter succeed', async () => {
    const scene = await confinedInspector();
    try {
      await scene.publish(letterNeighbours());
      await expect.poll(scene.waiting).toBe(0);
      expect(await scene.letters()).toHaveLength(NEIGHBOURS);
      expect(scene.crashes).toEqual([]);
      process.stdout.write(`hostile: inspectDeadLetter at peace: ${scene.told()}\n`);
    } finally {
      await scene.close();
    }
  });

  test('without an attack, the neighbours of processVideo succeed', async () => {
    const clips = await mkdtemp(join(tmpdir(), 'hostile-clips-'));
    const pipeline = await confinedPipeline();
    try {
      const clip = await makeEventClip(clips, 'box.mp4', { seconds: 2, box: [1, 1.5] });
      await (await uploadNeighbours(pipeline, { clip })).ended();
      expect(pipeline.crashes).toEqual([]);
      process.stdout.write(`hostile: processVideo at peace: ${pipeline.told()}\n`);
    } finally {
      await pipeline.close();
      await rm(clips, { recursive: true, force: true });
    }
  });
});
