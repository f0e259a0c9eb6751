import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FinalizedEvent } from '../../local/gcs/records.ts';
import { freePort } from '../../local/ports.ts';
import { bundledScript } from '../helpers/bundled-script.ts';

const SCRIPT = new URL('../helpers/gcs-process.ts', import.meta.url);
const KILLS = 20;
const SIZES = [0, 10, 3_000, 200_000, 1_500_000];

interface Live {
  name: string;
  generation: string;
  size: string;
  md5Hash: string;
}

let parent: string;
let dir: string;
let url: string;
let port: number;
let child: ChildProcess;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'gcs-crash-'));
  dir = join(parent, 'data');
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  await kill();
  await rm(parent, { recursive: true, force: true });
});

async function start(): Promise<void> {
  child = spawn(process.execPath, [await bundledScript(SCRIPT), dir, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
}

async function kill(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** The same sequence in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');
const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}${path}`, { ...init, headers: { ...init.headers, connection: 'close' } });

describe('a server killed repeatedly in the middle of uploads', () => {
  it(`${KILLS} times: no partial object, no acknowledged write lost, every event delivered`, {
    timeout: 120_000,
  }, async () => {
    const random = createRandom(20_261_121);
    /** Generation → name and md5 of an acknowledged write. */
    const acknowledged = new Map<string, { name: string; sum: string }>();
    const delivered = new Set<string>();
    let cut = 0;

    const takeEvents = async (): Promise<void> => {
      const pending = (await (await ask('/_outbox')).json()) as FinalizedEvent[];
      for (const { id, object } of pending) {
        expect(id).toBe(object.generation);
        delivered.add(id);
      }
      const ids = pending.slice(0, 5).map(({ id }) => id);
      await ask('/_outbox/ack', { method: 'POST', body: JSON.stringify({ ids }) });
    };

    for (let round = 0; round < KILLS; round++) {
      await start();
      const before = acknowledged.size;
      let running = true;
      const write = async (writer: number): Promise<void> => {
        for (let count = 0; running; count++) {
          const name = `writer-${writer}/${count % 7}`;
          const body = Buffer.alloc(
            SIZES[Math.floor(random() * SIZES.length)]!,
            `${round}.${writer}.${count};`,
          );
          try {
            const response = await ask(
              `/upload/storage/v1/b/bucket/o?uploadType=media&name=${encodeURIComponent(name)}`,
              {
                method: 'POST',
                body,
              },
            );
            const { generation } = (await response.json()) as Live;
            acknowledged.set(generation, { name, sum: md5(body) });
          } catch {
            cut++;
            return;
          }
        }
      };
      const consume = async (): Promise<void> => {
        while (running) {
          await takeEvents().catch(() => undefined);
          await delay(20);
        }
      };
      const work = [0, 1, 2, 3].map(write);
      const consumer = consume();
      // on a busy machine the first write may take longer than the pause
      await expect.poll(() => acknowledged.size, { interval: 5 }).toBeGreaterThan(before);
      await delay(random() * 150);
      child.kill('SIGKILL');
      await once(child, 'exit');
      running = false;
      await Promise.all([...work, consumer]);
    }

    await start();
    const list = (await (await ask('/storage/v1/b/bucket/o')).json()) as { items: Live[] };
    for (const { name, generation, size, md5Hash } of list.items) {
      const body = Buffer.from(
        await (await ask(`/storage/v1/b/bucket/o/${encodeURIComponent(name)}?alt=media`)).arrayBuffer(),
      );
      expect({ size: String(body.length), md5Hash: md5(body) }, name).toEqual({ size, md5Hash });
      const told = acknowledged.get(generation);
      if (told) expect(told, name).toEqual({ name, sum: md5Hash });
    }
    const live = new Map(list.items.map((item) => [item.name, item]));
    for (const [generation, { name }] of acknowledged) {
      expect(BigInt(live.get(name)?.generation ?? 0) >= BigInt(generation), `${name}#${generation}`).toBe(
        true,
      );
    }
    await takeEvents();
    for (const generation of acknowledged.keys()) expect(delivered, generation).toContain(generation);
    for (const { name, generation } of list.items) expect(delivered, name).toContain(generation);
    const files = await readdir(join(dir, 'bodies'), { recursive: true, withFileTypes: true });
    expect(files.filter((file) => file.isFile())).toHaveLength(list.items.length);
    expect(cut).toBeGreaterThan(KILLS);
    expect(acknowledged.size).toBeGreaterThan(KILLS);
    await kill();
  });
});
