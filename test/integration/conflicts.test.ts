import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { conflictsOf } from '../../shared/lake/conflicts.ts';
import { type IngestScene, startIngest } from '../helpers/ingest.ts';
import { type CliRun, runHere } from '../helpers/lake.ts';
import { cloudEvent, pubsubMessage, structured } from '../helpers/messages.ts';

let scene: IngestScene;
beforeAll(async () => {
  scene = await startIngest();
});
afterAll(() => scene.close());

const lake = (...args: string[]): Promise<CliRun> =>
  runHere(args, {
    STORAGE_API_ENDPOINT: scene.gcs.server.url,
    LAKE_BUCKET: 'lake',
    STATE_BUCKET: 'state',
  });

async function recordNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of scene.state.list({ prefix: conflictsOf('events') })) names.push(name);
  return names;
}

test('events under a taken id: pipeline lake conflicts shows each, and lake erase removes the records with the row', async () => {
  const source = '//shop/orders';
  const taken = { id: 'o-1', source, type: 'order.created', data: { total: 5 } };
  expect(await lake('conflicts')).toMatchObject({ code: 0, stdout: 'no duplicates with other content\n' });
  await scene.deliver(structured(taken));
  const forged = structured({ ...taken, data: { total: 6 } }, { messageId: 'm-forged' });
  for (const message of [structured(taken), forged, forged]) expect(await scene.deliver(message)).toBe(204);
  const received = pubsubMessage({
    data: cloudEvent({ ...taken, type: 'order.deleted' }),
    attributes: { 'content-type': 'application/cloudevents+json', receivedfrom: 'json/curl' },
  });
  await scene.deliver(received);
  // within one batch, the first of an id is stored
  const batch = [7, 8].map((total) => cloudEvent({ ...taken, id: 'o-2', data: { total } }));
  const attributes = { 'content-type': 'application/cloudevents-batch+json' };
  await scene.deliver(pubsubMessage({ data: batch, attributes }));

  const { stdout } = await lake('conflicts', '--json');
  const found = JSON.parse(stdout) as Record<string, never>[];
  const eventId = eventIdOf({ id: 'o-1', source });
  const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
  const time = expect.stringMatching(/^20\d\d-.*Z$/);
  const stored = { type: 'order.created', dataHash: hash, ingestTime: time };
  const ofFirst = { eventId, id: 'o-1', source, at: time, stored };
  expect(found).toHaveLength(3);
  expect(found).toContainEqual({
    ...ofFirst,
    differs: ['data'],
    dropped: expect.objectContaining({ type: 'order.created', messageId: 'm-forged', receivedFrom: null }),
  });
  expect(found).toContainEqual({
    ...ofFirst,
    differs: ['type'],
    dropped: expect.objectContaining({ type: 'order.deleted', receivedFrom: 'json/curl' }),
  });
  expect(found).toContainEqual(expect.objectContaining({ id: 'o-2', differs: ['data'] }));
  // no content
  expect(stdout).not.toContain('total');

  const text = await lake('conflicts', '--id', eventId, '--limit', '1');
  expect(text).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('1 of 2 records; --limit N shows more'),
  });
  expect(text.stdout.split('\n')[0]).toMatch(/^dropped +first row +differs +type +id +source +from/);
  expect(await lake('conflicts', '--id', 'o-1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--id must be the 64 hex digits of an event_id, got "o-1"'),
  });

  const erased = await lake('erase', '--ce-id', 'o-1', '--reason', 'ticket 12', '--yes');
  expect(erased).toMatchObject({ code: 0, stderr: '' });
  expect(erased.stdout).toContain('2 records of duplicates with other content deleted');
  expect(await recordNames()).toEqual([expect.stringContaining(eventIdOf({ id: 'o-2', source }))]);
});
