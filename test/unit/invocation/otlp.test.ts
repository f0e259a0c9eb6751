import { afterEach, expect, test } from 'vitest';
import { core } from '../../../functions/app.ts';
import { ingestEvent } from '../../../functions/ingest/definition.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { createLogger } from '../../../shared/core/log.ts';
import { parseCloudEvent } from '../../../shared/events/cloud-event.ts';
import { type EventWork, openHandler } from '../../../shared/invocation/event-handler.ts';
import { OtlpExporter } from '../../../shared/invocation/otlp.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import type { FinishedSpan } from '../../../shared/invocation/tracing.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { type OtlpCollector, startCollector } from '../../helpers/otlp-collector.ts';

let collector: OtlpCollector;
afterEach(() => collector.close());

const REQUEST = '00-11111111111111111111111111111111-2222222222222222-01';
const PRODUCER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const unsampled = (traceparent: string): string => traceparent.replace(/01$/, '00');
const event = { specversion: '1.0', id: '1', source: '//desk', type: 'note.written', data: {} };
type Read = { event: ReturnType<typeof parseCloudEvent> };

async function open(
  run: EventWork<Read, undefined>['run'],
  env: Record<string, string> = {},
  producer?: string,
) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void lines.push(JSON.parse(line)) });
  const deliver = await openHandler(
    {
      read: () => ({ event: parseCloudEvent({ ...event, ...(producer && { traceparent: producer }) }) }),
      run,
    },
    {
      ...{ app: core, definition: ingestEvent, services: { storage: createMemoryStorage(), log } },
      env: { STATE_BUCKET: 'state', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env },
    },
  );
  return { lines, deliver };
}

test('each delivery is a span below its request, linked to its producer, with its calls as children', async () => {
  collector = await startCollector();
  const env = { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b,x-other=1', K_SERVICE: 'pipeline-ingestevent' };
  const { deliver } = await open(
    async (_event, { storage, trace }) => {
      await storage.bucket('notes').putIfAbsent('1.json', Buffer.from('{}'));
      await trace('ask', async () => 'answer', { tokens: 7, share: 0.5, cached: false, nothing: undefined });
      return outcome('stored');
    },
    env,
    PRODUCER,
  );
  await deliver({ ...event, traceparent: REQUEST });

  // sent before the delivery is answered, because an instance has no CPU between requests
  expect(collector.requests).toHaveLength(1);
  expect(collector.requests[0]).toMatchObject({
    path: '/v1/traces',
    headers: { 'content-type': 'application/json', 'x-key': 'a b', 'x-other': '1' },
  });
  expect(collector.resources[0]).toEqual({ 'service.name': 'pipeline-ingestevent', 'cloud.provider': 'gcp' });
  const [own, put, ask] = collector.spans();
  expect(own).toMatchObject({
    ...{ traceId: '1'.repeat(32), parentSpanId: '2'.repeat(16), name: 'process ingestEvent', kind: 5 },
    links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }],
    status: {},
  });
  expect(own!.attributes).toEqual(
    expect.arrayContaining([
      { key: 'cloudevents.event_type', value: { stringValue: 'note.written' } },
      { key: 'outcome', value: { stringValue: 'stored' } },
    ]),
  );
  expect(put).toMatchObject({ name: 'storage putIfAbsent', kind: 3, parentSpanId: own!.spanId });
  expect(ask).toMatchObject({
    name: 'ask',
    parentSpanId: own!.spanId,
    attributes: [
      { key: 'tokens', value: { intValue: '7' } },
      { key: 'share', value: { doubleValue: 0.5 } },
      { key: 'cached', value: { boolValue: false } },
    ],
  });
});

test('a failed delivery is a failed span, and fails as it would without', async () => {
  collector = await startCollector();
  const { deliver } = await open(() => Promise.reject(new AppError('quota', 'too many')));
  await expect(deliver(event)).rejects.toThrow('too many');
  expect(collector.spans()).toMatchObject([
    { status: { code: 2, message: 'AppError: too many' }, links: [] },
  ]);
});

test.each([
  ['neither says', undefined, undefined, {}, 1],
  ['the request is not sampled', unsampled(REQUEST), undefined, {}, 0],
  ['the producer alone is sampled', unsampled(REQUEST), PRODUCER, {}, 1],
  ['neither is sampled', unsampled(REQUEST), unsampled(PRODUCER), {}, 0],
  ['all are wanted', unsampled(REQUEST), undefined, { OTEL_TRACES_SAMPLER: 'always_on' }, 1],
])('sampling: %s', async (_case, request, producer, env, spans) => {
  collector = await startCollector();
  const { deliver } = await open(async () => undefined, env, producer);
  await deliver({ ...event, ...(request && { traceparent: request }) });
  expect(collector.spans()).toHaveLength(spans);
});

test.each([
  ['refuses', () => 500, 'collector answered 500'],
  ['does not answer', () => undefined, undefined],
])('a collector that %s loses spans, but no delivery', async (_how, answer, reason) => {
  collector = await startCollector(answer);
  const { lines, deliver } = await open(async () => outcome('stored'));
  await expect(deliver(event)).resolves.toEqual({ kind: 'settled' });
  await expect(deliver(event)).resolves.toEqual({ kind: 'settled' });
  expect(collector.requests).toHaveLength(1);
  const warned = lines.filter(({ message }) => message === 'spans not exported');
  expect(warned).toMatchObject(
    reason === undefined ? [] : [{ severity: 'WARNING', spans: 1, reason: `Error: ${reason}` }],
  );
});

const span = (name: string): FinishedSpan => ({
  ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: undefined, name, kind: 'consumer' },
  ...{ startMs: Date.now(), endMs: Date.now(), attributes: {}, links: [], error: undefined },
});

test('after a failure nothing is sent for a while, the queue is bounded, and what is dropped is counted', async () => {
  let status = 503;
  collector = await startCollector(() => status);
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void lines.push(JSON.parse(line)) });
  let now = 0;
  const options = { endpoint: `${collector.url}/`, headers: {}, resource: {}, log, now: () => now };
  const exporter = new OtlpExporter(options);
  exporter.add([span('first')]);
  await exporter.flush();
  for (let serial = 0; serial < 5_000; serial++) exporter.add([span(`${serial}`)]);
  await exporter.flush();
  expect(collector.requests).toHaveLength(1);

  now = 30_000;
  await exporter.flush();
  expect(lines).toMatchObject([{ dropped: 0 }, { spans: 512, dropped: 5_000 - 2_048 }]);
  now = 60_000;
  status = 200;
  for (let batch = 0; batch < 4; batch++) await exporter.flush();
  expect(collector.spans().map(({ name }) => name)).toEqual([
    'first',
    ...Array.from({ length: 2_048 }, (_, serial) => `${serial}`),
  ]);
});

test('spans of deliveries that end together share requests', async () => {
  collector = await startCollector();
  const { deliver } = await open(async () => undefined);
  await Promise.all(Array.from({ length: 50 }, () => deliver(event)));
  expect(collector.spans()).toHaveLength(50);
  expect(collector.requests.length).toBeLessThan(10);
});
