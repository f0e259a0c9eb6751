import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { runDlq } from '../../cli/dlq/command.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { groupOf, patternOf } from '../../shared/dead-letters/fingerprint.ts';
import { letterOf } from '../../shared/dead-letters/letter-id.ts';
import { writeDeath } from '../../shared/dead-letters/letter-store.ts';
import type { DeathRecord } from '../../shared/dead-letters/records.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import type { ObjectStore, Storage } from '../../shared/storage/object-store.ts';
import { startTestGcs, type TestGcs } from './gcs.ts';
import { type CliRun, type RunningCli, startCli } from './lake.ts';
import { plainPubsub, type Received, startTestPubsub, type TestPubsub } from './pubsub.ts';

export interface DeathFields extends Partial<Omit<DeathRecord, 'letterMessage' | 'kind' | 'schemaVersion'>> {
  data?: string | Uint8Array;
  attributes?: Record<string, string>;
  orderingKey?: string;
  form?: DeathRecord['letterMessage']['form'];
}

const TIME = Date.UTC(2026, 10, 20, 10);

/** The record of event `n`'s death: by default given up by ingestEvent while storage was unavailable. */
export function deathOf(n: number, fields: DeathFields = {}): DeathRecord {
  const { data = `{"n": ${n}}`, attributes, orderingKey, form = 'message', ...rest } = fields;
  const name = rest.function ?? 'ingestEvent';
  const eventId = rest.eventId ?? eventIdOf({ id: `e-${n}`, source: '//shop' });
  const code = rest.code ?? 'unavailable';
  const message = rest.message ?? `put gs://lake/events/${n}.parquet: 503: backend error ${n}`;
  const pattern = patternOf(message);
  const diedAt = rest.diedAt ?? new Date(TIME + n * 1_000).toISOString();
  const bytes = Buffer.from(data);
  const event = {
    'ce-specversion': '1.0',
    'ce-id': `e-${n}`,
    'ce-source': '//shop',
    'ce-type': 'order.created',
  };
  return {
    schemaVersion: 1,
    kind: 'death',
    letter: letterOf(name, eventId),
    key: sha256(`death ${n}`).slice(0, 16),
    function: name,
    way: 'given-up',
    code,
    message,
    group: groupOf(name, code, pattern),
    pattern,
    eventId,
    correlationId: `corr-${n}`,
    subscription: `eventarc-${name}`,
    deliveries: 20,
    attempts: [],
    attemptCount: 0,
    firstFailureAt: undefined,
    lastFailureAt: undefined,
    concern: { kind: 'event', id: `e-${n}`, type: 'order.created', source: '//shop' },
    concernState: 'exists',
    replay: undefined,
    diedAt,
    inspectedAt: diedAt,
    ...rest,
    letterMessage: {
      messageId: String(1_000 + n),
      publishTime: diedAt,
      orderingKey,
      attributes: attributes ?? {
        ...event,
        CloudPubSubDeadLetterSourceSubscription: `eventarc-${name}`,
        CloudPubSubDeadLetterSourceDeliveryCount: '20',
      },
      data: bytes.toString('base64'),
      bytes: bytes.length,
      form,
    },
  };
}

/** The death of a storage event. */
export function videoDeathOf(
  n: number,
  object: { name: string; generation: string },
  fields: DeathFields = {},
): DeathRecord {
  const resource = { kind: 'storage#object', bucket: 'raw', ...object };
  return deathOf(n, {
    function: 'processVideo',
    code: 'quota',
    message: `Gemini: 429: try again in ${n} s`,
    concern: { kind: 'object', bucket: 'raw', ...object },
    data: JSON.stringify(resource),
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': `v-${n}`,
      'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
      'ce-type': 'google.cloud.storage.object.v1.finalized',
      CloudPubSubDeadLetterSourceSubscription: 'eventarc-processVideo',
    },
    ...fields,
  });
}

export const REPLAY_TOPICS = ['replay-processvideo', 'replay-ingestevent', 'replay-maintaintable'];

/** Dead letters in a local storage server, and the command that reads them. */
export interface DlqScene {
  gcs: TestGcs;
  storage: Storage;
  state: ObjectStore;
  pubsub: TestPubsub | undefined;
  /** Value for `--local`: a folder with endpoints. */
  dir: string;
  write(...deaths: DeathRecord[]): Promise<void>;
  /** Runs the command in this process, as if on a terminal of `columns` if given. */
  here(args: readonly string[], terminal?: { columns: number }): Promise<CliRun>;
  json(...args: string[]): Promise<Record<string, unknown>>;
  start(...args: string[]): RunningCli;
  /** Everything published to a function's own topic since the last call. */
  received(topic: string): Promise<Received[]>;
  close(): Promise<void>;
}

export async function startDlq(options: { pubsub?: boolean } = {}): Promise<DlqScene> {
  const gcs = await startTestGcs({ buckets: ['state', 'raw', 'frames', 'lake'] });
  const pubsub = options.pubsub ? await startTestPubsub({ topics: REPLAY_TOPICS }) : undefined;
  const api = plainPubsub(() => pubsub?.server.url ?? '');
  for (const topic of pubsub ? REPLAY_TOPICS : []) await api.createSubscription(`seen-${topic}`, topic);
  const endpoints = { gcs: gcs.server.url, ...(pubsub && { pubsub: pubsub.server.url }) };
  await writeFile(join(gcs.dir, 'endpoints.json'), JSON.stringify(endpoints));
  const storage = gcs.storage();
  const state = storage.bucket('state');
  const place = ['--local', gcs.dir];
  const here: DlqScene['here'] = ([command = '', ...args], terminal) =>
    runDlqHere([command, ...place, ...args], {}, terminal);
  return {
    gcs,
    storage,
    state,
    pubsub,
    dir: gcs.dir,
    here,
    async write(...deaths) {
      await Promise.all(deaths.map((death) => writeDeath(state, death)));
    },
    async json(...args) {
      const run = await here([...args, '--json']);
      if (run.stdout === '') throw new Error(run.stderr);
      return JSON.parse(run.stdout) as Record<string, unknown>;
    },
    start: (command, ...args) => startCli(['dlq', command ?? '', ...place, ...args]),
    async received(topic) {
      const all: Received[] = [];
      for (;;) {
        const some = await api.pull(`seen-${topic}`, 1_000);
        if (some.length === 0) return all;
        await api.acknowledge(`seen-${topic}`, ...some);
        all.push(...some);
      }
    },
    async close() {
      await pubsub?.close();
      await gcs.close();
    },
  };
}

/** Runs `pipeline dlq` in this process. */
export async function runDlqHere(
  args: readonly string[],
  env: Record<string, string> = {},
  terminal?: { columns: number },
): Promise<CliRun> {
  const texts = ['', ''];
  const streams = [0, 1].map((index) => {
    const stream = new Writable({
      write(chunk, _encoding, done) {
        texts[index] += String(chunk);
        done();
      },
    });
    return Object.assign(stream, terminal && { isTTY: true, ...terminal });
  });
  const [stdout, stderr] = streams as Writable[] as [Writable, Writable];
  const code = await runDlq([...args], { stdout, stderr, env });
  return { code, stdout: texts[0] ?? '', stderr: texts[1] ?? '' };
}
