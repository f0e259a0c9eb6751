import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../local/ports.ts';
import { bundledScript } from '../helpers/bundled-script.ts';
import { base64, plainPubsub, type Received, textOf } from '../helpers/pubsub.ts';
import { randomFrom } from '../helpers/random.ts';

const SCRIPT = new URL('../helpers/pubsub-process.ts', import.meta.url);
const KILLS = 12;

let parent: string;
let port: number;
let child: ChildProcess | undefined;
const api = plainPubsub(() => `http://127.0.0.1:${port}`);

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'pubsub-crash-'));
  port = await freePort();
});
afterAll(async () => {
  await kill();
  await rm(parent, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const args = [await bundledScript(SCRIPT), join(parent, 'data'), String(port)];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
}

async function kill(): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Sends one request on its own connection, since none survives from the previous server. */
function ask(path: string, body: unknown): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path: `/v1/${path}`, method: 'POST', agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('close', () => {
          if (response.complete && response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

describe('a server killed repeatedly while messages are published and acknowledged', () => {
  it(`${KILLS} times: no message lost, no acknowledged one redelivered`, { timeout: 180_000 }, async () => {
    const random = randomFrom(20_261_122);
    const published = new Set<string>();
    const acknowledged = new Set<string>();
    /** Requests with unknown outcome: their messages may or may not exist. */
    const doubtful = new Set<string>();
    const perhapsAcknowledged = new Set<string>();
    let cut = 0;

    await start();
    await api.createSubscription('sub', 'events');
    await api.createSubscription('ordered', 'events', { enableMessageOrdering: true });
    await kill();

    for (let round = 0; round < KILLS; round++) {
      await start();
      const [before, settled] = [published.size, acknowledged.size];
      let running = true;
      const publish = async (writer: number): Promise<void> => {
        for (let count = 0; running; count++) {
          const texts = Array.from(
            { length: 1 + Math.floor(random() * 30) },
            (_, i) => `${round}.${writer}.${count}.${i}`,
          );
          for (const text of texts) doubtful.add(text);
          const padding = 'x'.repeat(Math.floor(random() * 3_000));
          const messages = texts.map((text) => ({
            data: base64(text),
            attributes: { padding: padding.slice(0, 1_000) },
            orderingKey: `writer-${writer}`,
          }));
          try {
            await ask('projects/local/topics/events:publish', { messages });
            for (const text of texts) {
              published.add(text);
              doubtful.delete(text);
            }
          } catch {
            cut++;
            return;
          }
        }
      };
      const consume = async (): Promise<void> => {
        while (running) {
          try {
            const answer = await ask('projects/local/subscriptions/sub:pull', {
              maxMessages: 50,
              returnImmediately: true,
            });
            const received = (answer['receivedMessages'] ?? []) as Received[];
            for (const one of received) expect(acknowledged, textOf(one)).not.toContain(textOf(one));
            const some = received.filter(() => random() < 0.5);
            if (some.length === 0) {
              await delay(5);
              continue;
            }
            for (const one of some) perhapsAcknowledged.add(textOf(one));
            await ask('projects/local/subscriptions/sub:acknowledge', {
              ackIds: some.map(({ ackId }) => ackId),
            });
            for (const one of some) {
              acknowledged.add(textOf(one));
              perhapsAcknowledged.delete(textOf(one));
            }
          } catch (error) {
            // ignores broken connections, but not failed expectations
            if (error instanceof Error && error.name === 'AssertionError') throw error;
            cut++;
          }
        }
      };
      const work = Promise.all([publish(0), publish(1), publish(2), consume(), consume()]);
      // on a busy machine the first answers may take longer than the pause
      await expect.poll(() => published.size - before, { interval: 5 }).toBeGreaterThan(40);
      await expect.poll(() => acknowledged.size - settled, { interval: 5 }).toBeGreaterThan(8);
      await delay(30 + random() * 200);
      await kill();
      running = false;
      await work;
    }

    await start();
    const left = new Map<string, number>();
    for (let batch = await api.pull('sub', 1_000); batch.length > 0; batch = await api.pull('sub', 1_000)) {
      for (const one of batch) left.set(textOf(one), (left.get(textOf(one)) ?? 0) + 1);
    }
    const lost = [...published].filter(
      (text) => !left.has(text) && !acknowledged.has(text) && !perhapsAcknowledged.has(text),
    );
    expect(lost).toEqual([]);
    expect([...left.keys()].filter((text) => acknowledged.has(text))).toEqual([]);
    expect([...left].filter(([, times]) => times > 1)).toEqual([]);
    expect([...left.keys()].filter((text) => !published.has(text) && !doubtful.has(text))).toEqual([]);

    // and the other subscription still has all of them, each key in order
    const order = new Map<string, string[]>();
    let total = 0;
    for (
      let batch = await api.pull('ordered', 1_000);
      batch.length > 0;
      batch = await api.pull('ordered', 1_000)
    ) {
      total += batch.length;
      for (const one of batch) {
        const key = one.message.orderingKey ?? '';
        order.set(key, [...(order.get(key) ?? []), one.message.messageId]);
      }
      await api.acknowledge('ordered', ...batch);
      if (total > 300) break;
    }
    for (const ids of order.values()) expect(ids).toEqual([...ids].sort((a, b) => Number(a) - Number(b)));
    expect(cut).toBeGreaterThan(KILLS);
    expect(published.size).toBeGreaterThan(40 * KILLS);
    expect(acknowledged.size).toBeGreaterThan(8 * KILLS);
    process.stdout.write(
      `killed ${KILLS} times: ${published.size} published, ${acknowledged.size} acknowledged, ${left.size} left\n`,
    );
  });
});
