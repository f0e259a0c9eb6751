import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BUCKETS } from '../../local/cloud.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { finalizedRequest } from '../helpers/events.ts';
import { startPipeline } from '../helpers/pipeline.ts';
import { randomFrom } from '../helpers/random.ts';
import { setVertexFaults } from '../helpers/vertex-faults.ts';
import { violations } from './violations.ts';

/** The checks of a commit set CHAOS_UPLOADS to 100. */
const UPLOADS = Number(process.env['CHAOS_UPLOADS'] ?? 10);
const SEED = 20261121;

test(`${UPLOADS} uploads with duplicate deliveries, processes killed at random: each ends exactly once`, async () => {
  const random = randomFrom(SEED);
  const clips = await mkdtemp(join(tmpdir(), 'chaos-clips-'));
  const clip = await makeEventClip(clips, 'box.mp4', { seconds: 2, box: [0.8, 1.3] });
  let running = true;
  let kills = 0;
  const duplicates: Promise<unknown>[] = [];
  const pipeline = await startPipeline({
    instances: 2,
    env: { LEASE_SECONDS: '1', REFINE_STILLS: '6' },
    maxDeliveryAttempts: 100,
    events: {
      onFinalized: (resource) => {
        if (resource.bucket !== BUCKETS.raw || random() < 0.5) return;
        const { headers, body } = finalizedRequest(resource);
        const url = pipeline.cloud.processes[Math.floor(random() * 2)]!.url;
        // Any answer is fine: a duplicate may meet a lease, or a process that was just killed.
        duplicates.push(fetch(url, { method: 'POST', headers, body }).catch(() => undefined));
      },
    },
  });
  try {
    await setVertexFaults(pipeline.cloud, { kinds: ['fickle'], times: 1_000_000 });
    const killer = (async () => {
      while (running) {
        await sleep(400 + 1_200 * random());
        const pid = pipeline.cloud.processes[Math.floor(random() * 2)]!.pid();
        if (pid === undefined || !running) continue;
        try {
          process.kill(pid, 'SIGKILL');
          kills++;
        } catch {
          // the process is just restarting
        }
      }
    })();
    const uploads = [];
    for (let index = 0; index < UPLOADS; index++)
      uploads.push(await pipeline.upload(clip, `clip-${index}.mp4`));
    for (const upload of uploads) expect(await pipeline.settled(upload)).toMatchObject({ kind: 'manifest' });
    running = false;
    await Promise.all([killer, ...duplicates]);
    const found = (await Promise.all(uploads.map((upload) => violations(pipeline, upload)))).flat();
    expect(found).toEqual([]);
    expect(pipeline.deadLetters()).toBe(0);
    process.stdout.write(`chaos: ${UPLOADS} uploads, ${duplicates.length} duplicates, ${kills} kills\n`);
    expect(kills).toBeGreaterThan(UPLOADS / 10);
  } finally {
    running = false;
    await pipeline.close();
    await rm(clips, { recursive: true, force: true });
  }
}, 600_000);
