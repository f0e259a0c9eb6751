import { expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import { type CloudEvent, parseCloudEvent } from '../../../shared/events/cloud-event.ts';
import { type EventFunction, handleEvent, type Runtime } from '../../../shared/invocation/handle.ts';
import { type Outcome, outcome } from '../../../shared/invocation/outcome.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';

const event = {
  specversion: '1.0',
  id: '1',
  source: '//here',
  type: 't',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const eventId = sha256('{"id":"1","source":"//here"}');
const at = Date.parse('2026-11-21T10:00:00Z');

function scene(run: (event: CloudEvent, signal: AbortSignal) => Promise<Outcome | undefined>) {
  const lines: Record<string, unknown>[] = [];
  const store = createMemoryStorage().bucket('state');
  const runtime: Runtime = {
    log: createLogger({ write: (line) => void lines.push(JSON.parse(line)) }),
    project: 'demo',
    state: async () => store,
    attemptMs: 1_000,
    clock: { now: () => at, sleep: async () => {} },
  };
  const fn: EventFunction<{ event: CloudEvent }> = {
    name: 'fn',
    read: (input) => ({ event: parseCloudEvent(input) }),
    logFields: () => ({ subject: 'thing' }),
    run: (parsed, { signal }) => run(parsed.event, signal),
  };
  return { lines, store, runtime, deliver: (input: unknown) => handleEvent(input, fn, runtime) };
}

async function records(store: ObjectStore): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const { name } of store.list()) {
    found[name] = JSON.parse(Buffer.from((await store.get(name))!.body).toString());
  }
  return found;
}

test("a handler's outcome is the one log entry of its event", async () => {
  const { store, lines, runtime, deliver } = scene(async () => outcome('stored', { rows: 3 }, 'rows stored'));
  runtime.eventTypes = new Set(['t']);
  await deliver(event);
  await deliver({ ...event, type: 'anything' });
  expect(lines).toMatchObject([
    {
      ...{ severity: 'INFO', message: 'rows stored', function: 'fn', subject: 'thing', eventId },
      ...{ outcome: 'stored', eventType: 't', count: 1, rows: 3, durationMs: 0 },
    },
    { outcome: 'stored', eventType: 'other' },
  ]);
  expect(await records(store)).toEqual({});
});

test('an outcome that needs a person is logged as an error, and the event is acknowledged', async () => {
  const { lines, deliver } = scene(async () => ({ ...outcome('ignored', {}, 'own output'), error: 'loop' }));
  await expect(deliver(event)).resolves.toEqual({ kind: 'settled' });
  expect(lines).toMatchObject([
    { severity: 'ERROR', message: 'own output', outcome: 'ignored', stack_trace: 'loop' },
  ]);
});

test('a delivery that meets another one at work is deferred: no error, no failure record', async () => {
  const { store, lines, deliver } = scene(() =>
    Promise.reject(new AppError('busy', 'its lease ends in 5 ms')),
  );
  await expect(deliver(event)).resolves.toEqual({ kind: 'busy', reason: 'its lease ends in 5 ms' });
  expect(await records(store)).toEqual({});
  expect(lines).toMatchObject([{ severity: 'INFO', message: 'delivery put off', code: 'busy' }]);
});

test('an event that succeeds leaves no records', async () => {
  const { store, lines, deliver } = scene(async () => undefined);
  await deliver(event);
  expect(await records(store)).toEqual({});
  expect(lines).toEqual([]);
});

test('each failed attempt leaves one numbered record, and is thrown for the platform to retry', async () => {
  const { store, lines, deliver } = scene(() => Promise.reject(new AppError('quota', 'too many')));
  await expect(deliver(event)).rejects.toThrow('too many');
  await expect(deliver(event)).rejects.toThrow('too many');
  const kept = await records(store);
  expect(Object.keys(kept)).toEqual([`failures/fn/${eventId}/0001.json`, `failures/fn/${eventId}/0002.json`]);
  expect(kept[`failures/fn/${eventId}/0002.json`]).toMatchObject({
    function: 'fn',
    eventId,
    attempt: 2,
    code: 'quota',
    message: 'too many',
    trace: 'projects/demo/traces/0af7651916cd43dd8448eb211c80319c',
    at: '2026-11-21T10:00:00.000Z',
  });
  expect(lines[0]).toMatchObject({
    severity: 'ERROR',
    message: 'attempt failed',
    subject: 'thing',
    code: 'quota',
    'logging.googleapis.com/trace': 'projects/demo/traces/0af7651916cd43dd8448eb211c80319c',
    'logging.googleapis.com/spanId': 'b7ad6b7169203331',
    'logging.googleapis.com/trace_sampled': true,
    stack_trace: expect.stringContaining('too many'),
  });
});

test('an unplanned error counts as retryable', async () => {
  const { deliver } = scene(() => Promise.reject(new TypeError('x is not a function')));
  await expect(deliver(event)).rejects.toMatchObject({ code: 'internal', message: 'x is not a function' });
});

test('a refused event is kept whole with its reason, once, and acknowledged', async () => {
  const { store, lines, deliver } = scene(async () => undefined);
  await deliver({ ...event, id: 7 });
  await deliver({ ...event, id: 7 });
  const kept = Object.values(await records(store));
  expect(kept).toHaveLength(1);
  expect(kept[0]).toMatchObject({ code: 'invalid-event', event: { ...event, id: 7 } });
  expect(lines.map((line) => line['message'])).toEqual(['event refused', 'event refused']);
});

test('a huge refused event is kept in part', async () => {
  const { store, deliver } = scene(async () => undefined);
  await deliver({ data: 'x'.repeat(1_000_000) });
  const [record] = Object.values(await records(store)) as Record<string, unknown>[];
  expect(record).toMatchObject({ eventBytes: 1_000_011 });
  expect(String(record!['eventStart'])).toHaveLength(256 * 1024);
});

test('a refused event that cannot be kept is not acknowledged', async () => {
  const { runtime, deliver } = scene(async () => undefined);
  runtime.state = () => Promise.reject(new AppError('unavailable', 'storage is down'));
  await expect(deliver({})).rejects.toThrow('storage is down');
});

test('a failure whose record cannot be written is still thrown unchanged', async () => {
  const { runtime, deliver } = scene(() => Promise.reject(new AppError('quota', 'too many')));
  runtime.state = () => Promise.reject(new AppError('unavailable', 'storage is down'));
  await expect(deliver(event)).rejects.toThrow('too many');
});

test('an attempt that runs out of time fails as a timeout, whatever it threw', async () => {
  const { runtime, store, deliver } = scene(
    (_event, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('socket closed')));
      }),
  );
  runtime.attemptMs = 5;
  await expect(deliver(event)).rejects.toMatchObject({ code: 'timeout' });
  expect(Object.values(await records(store))[0]).toMatchObject({ code: 'timeout' });
});
