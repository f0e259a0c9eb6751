import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IngestScene, startIngest } from '../helpers/ingest.ts';
import { structured } from '../helpers/messages.ts';
import { type OtlpCollector, startCollector } from '../helpers/otlp-collector.ts';

let collector: OtlpCollector;
let scene: IngestScene;

beforeAll(async () => {
  collector = await startCollector();
  scene = await startIngest({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
});
afterAll(async () => {
  await scene?.close();
  await collector?.close();
});

test('the built function sends a span for each delivery, linked to the trace that the message names', async () => {
  const producer = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(await scene.deliver(structured({ id: 'traced', traceparent: producer }))).toBe(204);
  expect(collector.resources[0]).toMatchObject({ 'service.name': 'ingestEvent' });
  expect(collector.spans()).toMatchObject([
    {
      name: 'process ingestEvent',
      links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }],
    },
  ]);
});
