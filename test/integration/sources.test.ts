import { afterAll, beforeAll, expect, test } from 'vitest';
import { core } from '../../functions/app.ts';
import { BUCKETS } from '../../local/cloud.ts';
import { eventTopicOf } from '../../local/function-subscriptions.ts';
import type { ObjectResource } from '../../local/gcs/records.ts';
import { CORE_DIR } from '../../shared/app/load-app.ts';
import { withOptional } from '../../shared/app/optional.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import { createPublisher, type OutgoingMessage, type Publisher } from '../../shared/gcp/pubsub.ts';
import { auditEvent, logEntry } from '../helpers/audit.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';

const app = withOptional(core, {
  'audit-logs': 'storage.googleapis.com/storage.objects.create',
  'object-deletions': 'raw,frames',
  ticks: '0 0 1 1 *',
});
const RECORDERS = ['recordAuditLog', 'recordDeletion', 'recordTick'];
const AUDIT_TOPIC = eventTopicOf({ name: 'recordAuditLog' });

let pipeline: Pipeline;
let publisher: Publisher;
/** Writers of the lake and state buckets, as the audit log would name them; none is logged if undefined. */
let writer: string | undefined;
let logged = 0;

beforeAll(async () => {
  pipeline = await startPipeline({
    app: { app, dir: CORE_DIR },
    only: [...RECORDERS, 'ingestEvent'],
    env: { LOG_LEVEL: 'debug' },
    events: {
      onFinalized: (resource) => {
        if (writer !== undefined) void logWrite(resource, writer);
      },
    },
  });
  publisher = createPublisher({ project: 'local', apiEndpoint: pipeline.cloud.endpoints.pubsub });
});
afterAll(async () => {
  publisher?.close();
  await pipeline?.close();
});

/** An entry as Eventarc publishes it: a CloudEvent in Pub/Sub's binary mode. */
function entryMessage(insertId: string, payload: Record<string, unknown> = {}): OutgoingMessage {
  const entry = { ...logEntry(payload), insertId };
  const { data, datacontenttype: _, ...attributes } = auditEvent({ id: `log ${insertId}`, entry });
  const given = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]);
  return {
    data: JSON.stringify(data),
    attributes: { 'content-type': 'application/json', ...Object.fromEntries(given) },
  };
}

async function logWrite({ bucket, name, generation }: ObjectResource, principalEmail: string): Promise<void> {
  logged++;
  const payload = {
    authenticationInfo: { principalEmail },
    resourceName: `projects/_/buckets/${bucket}/objects/${name}`,
  };
  await publisher.publish(AUDIT_TOPIC, [entryMessage(`write${generation}`, payload)]);
}

async function rows(): Promise<ScannedRow[]> {
  const lake = pipeline.cloud.storage.bucket(BUCKETS.lake);
  const table = await DeltaTable.open(lake, 'events').catch(() => undefined);
  return table ? collectRows(table.scan()) : [];
}

const rowsWhere = async (isWanted: (row: ScannedRow) => boolean): Promise<ScannedRow[]> =>
  (await rows()).filter(isWanted);

/** Messages that wait for a function, or that one is handling. */
function waiting(): number {
  const { subscriptions } = pipeline.cloud.pubsub!.stats();
  const fired = Object.entries(subscriptions).filter(([name]) => /eventarc-|push-/.test(name));
  return fired.reduce((total, [, { backlog }]) => total + backlog, 0);
}

const settled = async (): Promise<void> => {
  await expect.poll(waiting, { timeout: 30_000 }).toBe(0);
};

const outcomes = (status: string) => pipeline.logs.filter(({ outcome }) => outcome === status);

test('an audit log entry delivered ten times, and once more by a log sink, is one row with the whole entry', async () => {
  const entry = { authenticationInfo: { principalEmail: 'ada@example.com' } };
  const message = entryMessage('entry1', entry);
  await publisher.publish(
    AUDIT_TOPIC,
    Array.from({ length: 10 }, () => message),
  );
  await settled();
  // as a log sink sends it
  await publisher.publish('events', [{ data: JSON.stringify({ ...logEntry(entry), insertId: 'entry1' }) }]);
  await settled();
  const found = await rowsWhere(({ type }) => type === 'google.cloud.audit.log.v1.written');
  expect(found).toMatchObject([
    {
      ce_id: 'entry1/2026-11-21T10:02:05.5Z',
      source: '//logging.googleapis.com/projects/demo/logs/cloudaudit.googleapis.com%2Factivity',
      subject: 'storage.googleapis.com/projects/_/buckets/uploads/objects/a.mp4',
      time: BigInt(Date.parse('2026-11-21T10:02:05.5Z')) * 1_000n,
    },
  ]);
  expect(JSON.parse(String(found[0]!['data']))).toEqual({ ...logEntry(entry), insertId: 'entry1' });
  expect(outcomes('recorded')).toHaveLength(10);
});

test('an object that is replaced and then deleted is two rows; other buckets make none', async () => {
  const raw = pipeline.cloud.storage.bucket(BUCKETS.raw);
  const other = pipeline.cloud.storage.bucket(BUCKETS.state);
  const body = Buffer.from('not a video');
  await raw.putIfAbsent('a b.txt', body);
  const first = (await raw.stat('a b.txt'))!;
  await raw.replaceIf('a b.txt', first.generation, body);
  const second = (await raw.stat('a b.txt'))!;
  await raw.delete('a b.txt');
  await other.putIfAbsent('elsewhere.txt', body);
  await other.delete('elsewhere.txt');
  await settled();
  const found = await rowsWhere(({ type }) => type === 'google.cloud.storage.object.v1.deleted');
  const generations = found.map(({ data }) => JSON.parse(String(data)).generation as string);
  expect(generations.sort()).toEqual([first, second].map(({ generation }) => generation).sort());
  expect(found[0]).toMatchObject({
    source: '//storage.googleapis.com/projects/_/buckets/raw',
    subject: 'objects/a%20b.txt',
  });
});

test('the deletion of one generation, announced ten times, is one row', async () => {
  const topic = eventTopicOf({ name: 'recordDeletion' });
  const message = {
    data: JSON.stringify({ bucket: 'raw', name: 'gone.mp4', generation: '7' }),
    attributes: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': '12345',
      'ce-type': 'google.cloud.storage.object.v1.deleted',
      'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
      'ce-subject': 'objects/gone.mp4',
      'ce-time': '2026-11-21T10:02:05.5Z',
    },
  };
  await publisher.publish(
    topic,
    Array.from({ length: 10 }, () => message),
  );
  await settled();
  expect(await rowsWhere(({ ce_id }) => ce_id === '12345')).toHaveLength(1);
});

test('a tick that the scheduler sends ten times in its minute is one row, and the next tick another', async () => {
  const tick = (time: string) => ({ data: '{}', attributes: { 'ce-time': time } });
  const times = Array.from({ length: 10 }, (_, second) => tick(`2026-11-21T10:00:0${second}.5Z`));
  await publisher.publish('ticks', [...times, tick('2026-11-21T10:01:00.1Z')]);
  await settled();
  const found = await rowsWhere(({ type }) => type === 'pipeline.tick');
  expect(found.map(({ ce_id }) => ce_id).sort()).toEqual(['2026-11-21T10:00Z', '2026-11-21T10:01Z']);
  const minute = found.find(({ ce_id }) => ce_id === '2026-11-21T10:00Z');
  expect(minute).toMatchObject({
    source: '/recordTick',
    time: BigInt(Date.parse('2026-11-21T10:00:00Z')) * 1_000n,
  });
});

test('if every write of the pipeline is logged, recording one entry ends: its own writes are left out', async () => {
  const before = (await rows()).length;
  writer = 'pipeline-ingestevent@local.iam.gserviceaccount.com';
  try {
    await publisher.publish(AUDIT_TOPIC, [entryMessage('first')]);
    await settled();
  } finally {
    writer = undefined;
  }
  expect((await rows()).length).toBe(before + 1);
  // the commit, its data file, and at most a few more
  expect(logged).toBeGreaterThanOrEqual(2);
  expect(logged).toBeLessThan(20);
  expect(outcomes('ignored')).toHaveLength(logged);
  expect(outcomes('ignored')[0]).toMatchObject({
    severity: 'DEBUG',
    function: 'recordAuditLog',
    reason: "one of the pipeline's own accounts",
  });
});

test('what is no audit log entry, deletion or tick becomes a dead letter with the reason', async () => {
  const message = entryMessage('torn');
  await publisher.publish(AUDIT_TOPIC, [{ ...message, data: '{}' }]);
  await expect.poll(() => pipeline.deadLetters()).toBe(1);
  expect(pipeline.logs.find(({ code }) => code === 'invalid-event')).toMatchObject({
    function: 'recordAuditLog',
    reason: 'protoPayload must be an audit log, got nothing',
  });
});
