import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEventsTable } from '../helpers/events-table.ts';
import { type IngestScene, startIngest } from '../helpers/ingest.ts';
import { pubsubMessage } from '../helpers/messages.ts';

let scene: IngestScene;

beforeAll(async () => {
  scene = await startIngest({ functionName: 'maintainTable', instances: 2 });
});
afterAll(() => scene.close());

test('the schedule fires before there is a table: nothing to do', async () => {
  expect(await scene.deliver(pubsubMessage({ attributes: { job: 'maintenance' } }))).toBe(204);
  expect(scene.logs.at(-1)).toMatchObject({ message: 'table maintained', outcome: 'no-table' });
});

test('two instances fired at the same time: one compacts, both acknowledge, no row is lost', async () => {
  const table = await openEventsTable(scene.lake, 'events');
  for (let commit = 0; commit < 8; commit++) await table.append([{ event_id: `e-${commit}`, data: '{}' }]);
  const message = pubsubMessage({ data: '{}' });
  expect(await Promise.all([scene.deliver(message, 0), scene.deliver(message, 1)])).toEqual([204, 204]);
  const { files } = await table.snapshot();
  expect(files.size).toBe(1);
  expect(await scene.rows()).toHaveLength(8);
  const lines = scene.logs.filter((line) => line['message'] === 'table maintained');
  expect(lines).toContainEqual(
    expect.objectContaining({
      outcome: 'maintained',
      isComplete: true,
      compaction: expect.objectContaining({ rewrites: 1, filesRemoved: 8 }),
      checkpoint: expect.objectContaining({ version: 9 }),
    }),
  );
});

test('a body that is no message becomes a dead letter', async () => {
  expect(await scene.deliver('no message')).toBe(204);
  const [letter] = await scene.deadLetters();
  expect(letter?.attributes).toMatchObject({
    deadLetterCode: 'invalid-event',
    deadLetterFunction: 'maintainTable',
  });
});
