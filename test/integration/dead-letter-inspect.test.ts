import { afterAll, beforeAll, expect, test } from 'vitest';
import { uploadIdOf } from '../../functions/video/records.ts';
import { AppError } from '../../shared/core/errors.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { deadLetterMessage } from '../../shared/dead-letters/dead-letter-message.ts';
import { letterOf } from '../../shared/dead-letters/letter-id.ts';
import { contentIdOf } from '../../shared/events/content-id.ts';
import { recordFailure } from '../../shared/records/failures.ts';
import { finalizedEvent, objectResource } from '../helpers/events.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { post } from '../helpers/ingest.ts';
import { type InspectorScene, startInspector } from '../helpers/inspector.ts';
import { forwarding } from '../helpers/letters.ts';
import { messageEvent, pubsubMessage } from '../helpers/messages.ts';

let scene: InspectorScene;

beforeAll(async () => {
  scene = await startInspector();
});
afterAll(() => scene.close());

const settled = () => expect.poll(scene.waiting, { timeout: 30_000 }).toBe(0);
const letterWith = async (code: string) => (await scene.letters()).find((letter) => letter.code === code);
const told = (letter: string) => scene.logs.filter((line) => line['letter'] === letter);
const at = new Date('2026-11-21T10:00:00Z');

/** A dead letter as a function publishes it for a refusal. */
function refused(name: string, code: 'schema-violation' | 'corrupt-media', input: unknown, eventId: string) {
  return deadLetterMessage({ function: name, eventId, error: new AppError(code, 'no good: 17'), input, at });
}

test('a refused event, delivered three times: explained, kept and logged once', async () => {
  const input = messageEvent(
    pubsubMessage({ data: '{"a":1}', attributes: { 'ce-correlationid': 'corr-1' } }),
  );
  const letter = refused('ingestEvent', 'schema-violation', input, sha256('a'));
  await scene.publish([letter, letter, letter]);
  await settled();
  const found = await letterWith('schema-violation');
  expect(found).toMatchObject({
    letter: letterOf('ingestEvent', sha256('a')),
    status: 'open',
    way: 'refused',
    pattern: 'no good: <n>',
    correlationId: 'corr-1',
    deaths: 1,
    lastDiedAt: '2026-11-21T10:00:00.000Z',
  });
  expect(told(found!.letter).map((line) => line['outcome'])).toEqual([
    'dead-letter',
    'duplicate',
    'duplicate',
  ]);
  expect(told(found!.letter)[0]).toMatchObject({
    severity: 'ERROR',
    '@type': expect.stringContaining('ReportedErrorEvent'),
    serviceContext: { service: 'ingestEvent' },
  });
});

test('a storage event that was given up: its history, and the state of its object', async () => {
  const put = await scene.storage.bucket('raw').putIfAbsent('ü 1.mp4', Buffer.from('video'));
  const generation = put.kind === 'written' ? put.facts.generation : '';
  const source = '//storage.googleapis.com/projects/_/buckets/raw';
  const eventId = sha256(JSON.stringify({ id: '42', source }));
  const error = new AppError('quota', 'Vertex AI: 429');
  const history = uploadIdOf({ bucket: 'raw', name: 'ü 1.mp4', generation });
  await recordFailure(scene.state, {
    function: 'processVideo',
    eventId: history,
    error,
    trace: undefined,
    at,
  });
  await scene.publish([
    {
      data: JSON.stringify(objectResource({ name: 'ü 1.mp4', generation })),
      attributes: {
        'ce-specversion': '1.0',
        'ce-id': '42',
        'ce-source': source,
        'ce-type': 'google.cloud.storage.object.v1.finalized',
        ...forwarding('eventarc-us-central1-pipeline-processvideo-123-sub-45'),
      },
    },
  ]);
  await settled();
  const found = await letterWith('quota');
  expect(found).toMatchObject({
    letter: letterOf('processVideo', eventId),
    status: 'open',
    pattern: 'Vertex AI: <n>',
  });
  expect(found?.concern).toBe(`gs://raw/ü 1.mp4#${generation}`);
  expect(await scene.deaths(found!.letter)).toMatchObject([
    {
      concernState: 'exists',
      attemptCount: 1,
      attempts: [{ code: 'quota', stack: expect.stringContaining('AppError') }],
    },
  ]);
});

test('a storage event whose manifest exists meanwhile is recorded as resolved', async () => {
  await scene.storage.bucket('frames').putIfAbsent('done.mp4/17/manifest.json', Buffer.from('{}'));
  const input = finalizedEvent({ name: 'done.mp4', generation: '17' }, { id: '43' });
  await scene.publish([refused('processVideo', 'corrupt-media', input, sha256('done'))]);
  await settled();
  const found = await letterWith('corrupt-media');
  expect(found).toMatchObject({ status: 'resolved', concern: 'gs://raw/done.mp4#17' });
  expect(await scene.deaths(found!.letter)).toMatchObject([{ concernState: 'succeeded' }]);
});

test('an event that has its row meanwhile is recorded as resolved', async () => {
  const eventId = sha256(JSON.stringify({ id: 'o-1', source: '//shop' }));
  const table = await openEventsTable(scene.storage.bucket('lake'), 'events');
  await table.append([{ event_id: eventId }]);
  const event = { specversion: '1.0', id: 'o-1', source: '//shop', type: 'order.created', data: {} };
  const attributes = {
    'content-type': 'application/cloudevents+json',
    ...forwarding('eventarc-ingestEvent'),
  };
  await scene.publish([{ data: JSON.stringify(event), attributes }]);
  await settled();
  const letters = await scene.letters();
  expect(letters.find(({ letter }) => letter === letterOf('ingestEvent', eventId))).toMatchObject({
    status: 'resolved',
  });
});

const names = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`${index}`.padEnd(256, 'n'), 'ü'.repeat(512)]),
  );

test('poison is kept byte for byte, and the inspector continues', async () => {
  const poison = [
    { data: Buffer.alloc(10 * 1024 * 1024, 0xfe) },
    { data: Buffer.from('{"id":"\\ud800","x":"\u001b[2J"}'), attributes: { 'ce-type': '\u001b]0;x\u0007' } },
    { data: Uint8Array.from({ length: 256 }, (_, index) => index) },
    { data: 'x', attributes: names(100) },
    {
      data: '',
      attributes: { deadLetterForm: 'envelope', deadLetterFunction: '../../x', deadLetterEventId: 'e' },
    },
    { data: 'y', attributes: forwarding('eventarc-inspectDeadLetter') },
    {
      data: 'z',
      attributes: { deadLetterReplayOf: 'f'.repeat(32), deadLetterReplay: 'r', ...forwarding('x') },
    },
  ];
  const before = new Set((await scene.letters()).map(({ letter }) => letter));
  await scene.publish(poison);
  await settled();
  const after = (await scene.letters()).filter(({ letter }) => !before.has(letter));
  const kept = await Promise.all(after.map(({ letter }) => scene.deaths(letter)));
  const found = kept
    .flat()
    .map(({ letterMessage }) => [sha256(letterMessage.data), letterMessage.attributes]);
  const sent = poison.map(({ data, attributes = {} }) => [
    sha256(Buffer.from(data).toString('base64')),
    attributes,
  ]);
  const inOrder = (list: unknown[]) => list.map((one) => JSON.stringify(one)).sort();
  expect(inOrder(found)).toEqual(inOrder(sent));
  expect(after.map((letter) => letter.function).sort()).toEqual([
    '../../x',
    'inspectDeadLetter',
    ...Array(5).fill('unknown'),
  ]);
});

test('a body that is no Pub/Sub message is kept raw', async () => {
  const { url } = scene.processes[0]!;
  const strange = messageEvent({ data: '%%%', messageId: '1' }, { source: '//somewhere' });
  expect(await post(url, strange)).toBe(204);
  const [death] = await scene.deaths(letterOf('unknown', contentIdOf(strange)));
  expect(death).toMatchObject({ function: 'unknown', letterMessage: { form: 'raw' } });
  const kept: unknown = JSON.parse(Buffer.from(death!.letterMessage.data, 'base64').toString());
  expect(kept).toMatchObject({ source: '//somewhere', data: strange['data'] });
});

test('all of them are in the table, once', async () => {
  const rows = await scene.rows();
  const letters = await scene.letters();
  expect(letters.length).toBeGreaterThan(10);
  expect(rows.map((row) => row['letter']).sort()).toEqual(letters.map(({ letter }) => letter).sort());
  expect(new Set(rows.map((row) => row['death_id'])).size).toBe(rows.length);
});

test('nothing but structured lines was written', () => {
  expect(scene.stray).toEqual([]);
});

test('storage that denies everything for a while loses nothing', async () => {
  const { faults } = scene.gcs.server;
  const before = (await scene.letters()).length;
  faults.add({ action: { kind: 'status', status: 403 }, times: null });
  const messages = Array.from({ length: 20 }, (_, index) => ({
    data: `no json ${index}`,
    attributes: forwarding('eventarc-ingestEvent'),
  }));
  await scene.publish(messages);
  await expect.poll(() => faults.list()[0]?.met ?? 0).toBeGreaterThan(40);
  expect(scene.waiting()).toBe(20);
  faults.clear();
  await settled();
  expect((await scene.letters()).length).toBe(before + 20);
  expect(await scene.rows()).toHaveLength(before + 20);
});
