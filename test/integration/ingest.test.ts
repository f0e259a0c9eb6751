import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../shared/runtime/cloud-event.ts';
import { type IngestScene, startIngest } from '../helpers/ingest.ts';
import { binary, structured } from '../helpers/messages.ts';

let scene: IngestScene;

beforeAll(async () => {
  scene = await startIngest();
});
afterAll(() => scene.close());

test('a structured event becomes a row, and its second delivery none', async () => {
  const message = structured({ id: 'first', subject: 'A-17' }, { orderingKey: 'A' });
  expect(await scene.deliver(message)).toBe(204);
  expect(await scene.deliver(message)).toBe(204);
  const rows = (await scene.rows()).filter((row) => row['ce_id'] === 'first');
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({
    event_id: sha256('{"id":"first","source":"//shop/orders"}'),
    type: 'order.created',
    source: '//shop/orders',
    subject: 'A-17',
    ordering_key: 'A',
    message_id: message['messageId'],
    data: '{"order":"A-17","total":19.99}',
  });
});

test('events at the same time share commits', async () => {
  const messages = Array.from({ length: 200 }, (_, index) => binary({ id: `many-${index}` }));
  const answers = await Promise.all(messages.map((message) => scene.deliver(message)));
  expect(new Set(answers)).toEqual(new Set([204]));
  const versions = new Set(
    scene.logs.filter((line) => line['message'] === 'events ingested').map((line) => line['version']),
  );
  expect((await scene.rows()).filter((row) => String(row['ce_id']).startsWith('many-'))).toHaveLength(200);
  expect(versions.size).toBeLessThan(30);
});
