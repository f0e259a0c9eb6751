import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUCKETS } from '../../local/cloud.ts';
import { finalizedMessage } from '../../local/eventarc/storage-event.ts';
import type { ObjectResource } from '../../local/gcs/records.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { letterOf } from '../../shared/dead-letters/letter-id.ts';
import { writeSending } from '../../shared/dead-letters/letter-store.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { FULL } from '../helpers/full-form.ts';
import { structured } from '../helpers/messages.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { base64, plainPubsub } from '../helpers/pubsub.ts';

let dir: string;
let pipeline: Pipeline;
let resource: ObjectResource;
/** Lines that the functions wrote outside the log. */
const stray: string[] = [];
const api = plainPubsub(() => pipeline.cloud.endpoints.pubsub);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'replay-forms-'));
  pipeline = await startPipeline({
    only: ['processVideo', 'ingestEvent', 'maintainTable'],
    events: {
      onFinalized: (found) => {
        if (found.bucket === BUCKETS.raw) resource = found;
      },
    },
    onStrayLine: (line) => stray.push(line),
  });
  const upload = await pipeline.upload(await makeEventClip(dir, 'box.mp4', { seconds: 3, box: [0.8, 1.3] }));
  expect(await pipeline.manifestOf(upload)).toMatchObject({ outcome: 'framed' });
});
afterAll(async () => {
  await pipeline.close();
  await rm(dir, { recursive: true, force: true });
});

let run = 0;

/** Publishes it as a replay does, and waits until it is logged as settled. */
async function replayed(
  functionName: string,
  eventId: string,
  message: { data?: string; attributes?: Record<string, string> },
): Promise<string> {
  const [letter, key] = [letterOf(functionName, eventId), `run-${++run}`];
  const mark = { deadLetterReplayOf: letter, deadLetterReplay: key, 'ce-causationid': letter };
  const attributes = { ...message.attributes, ...mark };
  const topic = `replay-${functionName.toLowerCase()}`;
  const state = pipeline.cloud.storage.bucket(BUCKETS.state);
  await writeSending(state, { letter, key, topic, at: new Date().toISOString() });
  await api.publish(topic, { ...message, attributes });
  const name = `dead-letters/${letter}/resolved-${key}.json`;
  await expect.poll(() => state.stat(name)).toBeDefined();
  return letter;
}

/** The upload's event as Eventarc delivered it, with its attributes under their own names. */
function original() {
  const { attributes: all, data } = finalizedMessage(resource);
  const attributes = Object.entries(all).filter(([name]) => name.startsWith('ce-'));
  const fields = attributes.map(([name, value]) => [name.slice('ce-'.length), value]);
  const event = Object.fromEntries(fields) as Record<string, string> & { id: string; source: string };
  return {
    event,
    attributes: Object.fromEntries(attributes) as Record<string, string>,
    body: data.toString(),
  };
}

test.runIf(FULL)(
  'an upload replayed in binary mode is the same event, and is not processed again',
  async () => {
    const { event, attributes, body } = original();
    const eventId = eventIdOf(event);
    await replayed('processVideo', eventId, {
      data: base64(body),
      attributes: { ...attributes, 'content-type': 'application/json' },
    });
    const told = pipeline.logs.filter(
      (entry) => entry['eventId'] === eventId && entry['outcome'] !== undefined,
    );
    expect(told.map(({ outcome }) => outcome)).toEqual(['framed', 'duplicate']);
  },
);

test.runIf(FULL)('an upload replayed in structured mode is the same event', async () => {
  const { event, body } = original();
  await replayed('processVideo', eventIdOf(event), {
    data: base64(JSON.stringify({ ...event, data: JSON.parse(body) })),
    attributes: { 'content-type': 'application/cloudevents+json' },
  });
});

test.runIf(FULL)('events replayed in any mode keep their identity', async () => {
  const { data, attributes } = structured({ id: 'once' }) as {
    data: string;
    attributes: Record<string, string>;
  };
  await replayed('ingestEvent', eventIdOf({ id: 'once', source: '//shop/orders' }), { data, attributes });
  await replayed('ingestEvent', eventIdOf({ id: 'bare', source: '//shop' }), {
    attributes: { 'ce-specversion': '1.0', 'ce-id': 'bare', 'ce-source': '//shop', 'ce-type': 'closed' },
  });
  await replayed('ingestEvent', sha256('{"n":1}'), { data: base64('{ "n": 1.0 }') });
});

test.runIf(FULL)('a maintenance run is replayed with the time at which it was due', async () => {
  const eventId = sha256(JSON.stringify(['maintainTable', '1795219200000000']));
  await replayed('maintainTable', eventId, {
    data: base64('{}'),
    attributes: { 'ce-time': new Date(1_795_219_200_000).toISOString() },
  });
});

test.runIf(FULL)('a mark that belongs to another event settles nothing', async () => {
  const foreign = letterOf('ingestEvent', eventIdOf({ id: 'other', source: '//shop' }));
  const { data } = structured({ id: 'marked' });
  const mark = { deadLetterReplayOf: foreign, deadLetterReplay: 'run-x' };
  await api.publish('replay-ingestevent', { data, attributes: mark });
  // once it is acknowledged, everything has been written
  const backlog = () =>
    pipeline.cloud.pubsub!.stats().subscriptions['projects/local/subscriptions/replay-ingestevent']?.backlog;
  await expect.poll(backlog).toBe(0);
  const names = await pipeline.names('state');
  expect(names.filter((name) => name.includes(foreign))).toEqual([]);
});

test.runIf(FULL)('the functions wrote nothing but log entries', () => {
  expect(stray).toEqual([]);
});
