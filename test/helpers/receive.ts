import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FunctionProcess, startFunction } from '../../local/function-process.ts';
import { freePort } from '../../local/ports.ts';
import type { Env } from '../../shared/core/settings.ts';
import { plainPubsub, type Received, startTestPubsub, type TestPubsub } from './pubsub.ts';
import { sharedBundle } from './shared-bundle.ts';

/** One source of each kind, with its key. */
export const SOURCE_KEYS = {
  'cloudevents/shop': 'cloudevents-key-0001',
  'eventbridge/orders': 'eventbridge-key-0001',
  'eventgrid/blobs': 'eventgrid-key-000001',
  'github/site': "It's a Secret to Everybody",
  'hmac/partner': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'json/curl': 'json-key-00000000001',
  'stripe/till': 'whsec_test_stripe_0001',
} as const;

export type SourceId = keyof typeof SOURCE_KEYS;

export const linesOf = (keys: Readonly<Record<string, string | readonly string[]>>): string =>
  Object.entries(keys)
    .flatMap(([id, one]) => [one].flat().map((key) => `${id} ${key}\n`))
    .join('');

type Headers = Record<string, string>;

export const hexHmac = (key: string | Buffer, text: string | Buffer): string =>
  createHmac('sha256', key).update(text).digest('hex');

/** Headers by which GitHub, Stripe and Standard Webhooks sign a body, at a time in seconds. */
export const sign = {
  github: (body: string | Buffer, key: string = SOURCE_KEYS['github/site']): Headers => ({
    'x-hub-signature-256': `sha256=${hexHmac(key, body)}`,
  }),
  stripe: (body: string, at: number, key: string = SOURCE_KEYS['stripe/till']): Headers => ({
    'stripe-signature': `t=${at},v1=${hexHmac(key, `${at}.${body}`)}`,
  }),
  hmac: (body: string, at: number, id = 'msg_1', key: string = SOURCE_KEYS['hmac/partner']): Headers => ({
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,${createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
      .update(`${id}.${at}.${body}`)
      .digest('base64')}`,
  }),
};

export const seconds = (): number => Math.floor(Date.now() / 1_000);

/** The built `receiveEvent` in its own process, with a Pub/Sub whose messages are kept. */
export interface ReceiveScene {
  url: string;
  process: FunctionProcess;
  pubsub: TestPubsub;
  logs: Record<string, unknown>[];
  /** Replaces the file with the keys. */
  writeKeys(text: string): void;
  post(path: string, body: string | Buffer, headers?: Headers): Promise<{ status: number; body: string }>;
  /** Messages published so far, in order. */
  events(): Promise<Published[]>;
  letters(): Promise<Published[]>;
  close(): Promise<void>;
}

export interface Published {
  attributes: Record<string, string>;
  data: string;
}

export async function startReceive({ env = {} }: { env?: Env } = {}): Promise<ReceiveScene> {
  const pubsub = await startTestPubsub({ projectId: 'demo', topics: ['events', 'dead'] });
  const api = plainPubsub(
    () => pubsub.server.url,
    () => 'demo',
  );
  const kept: Record<string, Published[]> = { events: [], dead: [] };
  for (const topic of Object.keys(kept)) {
    await api.ok('PUT', `projects/demo/subscriptions/kept-${topic}`, {
      topic: `projects/demo/topics/${topic}`,
      ackDeadlineSeconds: 600,
    });
  }
  const pull = async (topic: 'events' | 'dead'): Promise<Published[]> => {
    for (;;) {
      const answer = await api.ok('POST', `projects/demo/subscriptions/kept-${topic}:pull`, {
        maxMessages: 1_000,
        returnImmediately: true,
      });
      const received = (answer['receivedMessages'] ?? []) as Received[];
      if (received.length === 0) return kept[topic]!;
      for (const { message } of received) {
        const data = Buffer.from(message.data ?? '', 'base64').toString();
        kept[topic]!.push({ attributes: message.attributes ?? {}, data });
      }
    }
  };
  const dir = mkdtempSync(join(tmpdir(), 'receive-'));
  const file = join(dir, 'sources');
  const writeKeys = (text: string): void => writeFileSync(file, text);
  writeKeys(linesOf(SOURCE_KEYS));
  const bundle = await sharedBundle();
  const logs: Record<string, unknown>[] = [];
  const process = await startFunction({
    name: 'receiveEvent',
    signature: 'http',
    port: await freePort(),
    env: {
      PUBSUB_API_ENDPOINT: pubsub.server.url,
      STATE_BUCKET: 'state',
      EVENTS_TOPIC: 'events',
      DEAD_LETTER_TOPIC: 'dead',
      GOOGLE_CLOUD_PROJECT: 'demo',
      RECEIVE_SOURCES_FILE: file,
      ...env,
    },
    source: bundle.dir,
    onLine: (line) => {
      if (line.startsWith('{')) logs.push(JSON.parse(line));
    },
  });
  return {
    url: process.url,
    process,
    pubsub,
    logs,
    writeKeys,
    async post(path, body, headers = {}) {
      const response = await fetch(new URL(path, process.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      return { status: response.status, body: await response.text() };
    },
    events: () => pull('events'),
    letters: () => pull('dead'),
    async close() {
      await process.close();
      await bundle.remove();
      await pubsub.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
