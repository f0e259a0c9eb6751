import { expect, test, vi } from 'vitest';
import { defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { integer, readSettings } from '../../../shared/app/settings.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { createLogger } from '../../../shared/core/log.ts';
import type { Env } from '../../../shared/core/settings.ts';
import { parseCloudEvent } from '../../../shared/events/cloud-event.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { type EventWork, eventHandler, openHandler } from '../../../shared/invocation/event-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';

type Read = ReturnType<typeof readNote>;
const readNote = (input: unknown) => ({ event: parseCloudEvent(input) });

const definition = defineFunction({
  name: 'keepNote',
  trigger: messagePublished({ topic: 'notes' }),
  maxDeliveryAttempts: 5,
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [],
  load: async () =>
    eventHandler({
      read: readNote,
      async run({ event }, { bucket }) {
        await bucket('paper').putIfAbsent(event.id, Buffer.from('milk'));
        return outcome('stored');
      },
    }),
});
const app = defineApp({
  name: 'notes',
  buckets: { paper: { env: 'NOTES_BUCKET', doc: 'papers' }, state: { env: 'STATE_BUCKET', doc: 'records' } },
  topics: { notes: { env: 'NOTES_TOPIC', doc: 'notes' }, 'dead-letters': { doc: 'what was given up' } },
  functions: [definition],
});
const ENV: Env = {
  STATE_BUCKET: 'state',
  NOTES_BUCKET: 'kept',
  NOTES_TOPIC: 'projects/demo/topics/notes',
};
const PRODUCER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const note = (fields: Record<string, unknown> = {}) => ({
  ...{ specversion: '1.0', id: '1', source: '//desk', type: 'note.written', data: { text: 'milk' } },
  ...fields,
});

function scene(work: EventWork<Read, undefined>, env: Env = ENV) {
  const lines: Record<string, unknown>[] = [];
  const sent: { topic: string; message: OutgoingMessage }[] = [];
  const storage = createMemoryStorage();
  const publisher = async () => ({
    async publish(topic: string, messages: readonly OutgoingMessage[]) {
      sent.push(...messages.map((message) => ({ topic, message })));
      return messages.map((_, index) => String(index));
    },
    close() {},
  });
  const log = createLogger({ write: (line) => void lines.push(JSON.parse(line)) });
  const host = { app, definition, env, services: { storage, publisher, log } };
  const deliver = async (input: unknown) => (await openHandler(work, host))(input);
  return { lines, sent, storage, deliver };
}

test('a handler of a few lines has buckets, calls and a log, and its outcome is the one log entry', async () => {
  const { lines, sent, storage, deliver } = scene({
    read: readNote,
    async run({ event }, { bucket, publish, effect, record, attempt, correlationId }) {
      const { code } = await record('code', () => ({ code: 'c-1' }));
      await effect('ring', async () => 'rung', { onUnknown: 'again' });
      await bucket('paper').putIfAbsent(`${event.id}.json`, Buffer.from(JSON.stringify(event.data)));
      await publish('notes', { type: 'note.kept', data: { code } });
      return outcome('stored', { attempt: attempt ?? 'unknown', correlation: correlationId });
    },
  });
  await expect(deliver(note({ correlationid: 'case-7' }))).resolves.toEqual({ kind: 'settled' });
  expect(Buffer.from((await storage.bucket('kept').get('1.json'))!.body).toString()).toBe('{"text":"milk"}');
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    topic: 'projects/demo/topics/notes',
    message: { attributes: { 'ce-type': 'note.kept', 'ce-correlationid': 'case-7' } },
  });
  expect(lines).toMatchObject([
    { message: 'event published', eventType: 'note.kept', source: '/keepNote', function: 'keepNote' },
    {
      ...{ message: 'event settled', outcome: 'stored', attempt: 'unknown', correlation: 'case-7' },
      // the type that the producer chose is not declared
      ...{ eventType: 'other', count: 1, function: 'keepNote', durationMs: expect.any(Number) },
    },
  ]);
});

test("an event is read with Pub/Sub's delivery attempt", async () => {
  const { lines, deliver } = scene({
    read: () => readNote(note()),
    run: async (_event, { attempt }) => outcome('stored', { attempt }),
  });
  await deliver({ message: { data: '' }, deliveryAttempt: 3 });
  expect(lines).toMatchObject([{ attempt: 3 }]);
});

test("the producer's trace is the linked one, and is published on", async () => {
  const own = '00-11111111111111111111111111111111-2222222222222222-01';
  const { lines, sent, deliver } = scene({
    // the event in a message has its own trace, beside that of the push
    read: () => readNote(note({ traceparent: PRODUCER })),
    async run(_event, { publish }) {
      await publish('notes', { type: 'note.kept', data: {} });
      return outcome('stored');
    },
  });
  await deliver(note({ traceparent: own }));
  expect(lines.at(-1)).toMatchObject({
    'logging.googleapis.com/trace': '11111111111111111111111111111111',
    linkedTrace: '0af7651916cd43dd8448eb211c80319c',
  });
  expect(sent[0]!.message.attributes).toMatchObject({ 'ce-traceparent': PRODUCER });
});

test('a bucket that the app does not have, or without a configured name, is a wrong configuration', async () => {
  const bucketOf = (key: string, env: Env = ENV) =>
    scene({ read: readNote, run: async (_event, { bucket }) => outcome(bucket(key).bucket) }, env).deliver(
      note(),
    );
  await expect(bucketOf('frames')).rejects.toMatchObject({
    code: 'invalid-config',
    message: 'bucket must be one of paper, state, got "frames"',
  });
  await expect(bucketOf('paper', { STATE_BUCKET: 'state' })).rejects.toMatchObject({
    code: 'invalid-config',
    message: 'configuration: NOTES_BUCKET must be set',
  });
});

test('one error names every bad variable, of the function and of its wiring', async () => {
  const settings = (env: Env) =>
    readSettings({ MAX_NOTES: integer({ min: 1, max: 9, default: 5, doc: 'notes' }) }, env);
  const lines: string[] = [];
  const log = createLogger({ write: (line) => void lines.push(line) });
  const open = openHandler(
    { settings, read: readNote, run: async () => undefined },
    { app, definition, env: { MAX_NOTES: '10', LOG_LEVEL: 'loud' }, services: { log } },
  );
  await expect(open).rejects.toMatchObject({
    code: 'invalid-config',
    message:
      'configuration: MAX_NOTES must be an integer from 1 to 9, got "10"; STATE_BUCKET must be set; ' +
      'LOG_LEVEL must be one of info, debug, got "loud"',
  });
  expect(lines).toEqual([expect.stringContaining('configuration refused')]);
});

test('an instance that could not be opened is opened with its next event', async () => {
  let isDown = true;
  vi.stubEnv('STATE_BUCKET', 'state');
  const { handle } = eventHandler({
    open() {
      if (isDown) throw new Error('not yet');
      return { read: readNote, run: async () => undefined };
    },
  });
  await expect(handle(note(), app, definition)).rejects.toThrow('not yet');
  isDown = false;
  await expect(handle(note(), app, definition)).resolves.toEqual({ kind: 'settled' });
});
