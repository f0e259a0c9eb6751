import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { binaryRequest } from '../helpers/events.ts';
import { type IngestScene, startIngest } from '../helpers/ingest.ts';
import { messageEvent, structured } from '../helpers/messages.ts';

let scene: IngestScene;

beforeAll(async () => {
  scene = await startIngest({ env: { ADMIT_BYTES: '20000' } });
});
afterAll(() => scene.close());

const eventOf = (id: string) => structured({ id, data: { note: 'n'.repeat(2_000) } });

test('above the bound the built function answers 429, and redelivered events reach the table', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => `e-${index}`);
  const first = await Promise.all(ids.map((id) => scene.deliver(eventOf(id))));
  expect(new Set(first)).toEqual(new Set([204, 429]));
  const put = ids.filter((_, index) => first[index] === 429);
  for (const id of put) expect(await scene.deliver(eventOf(id))).toBe(204);
  expect((await scene.rows()).map((row) => row['ce_id']).sort()).toEqual([...ids].sort());
  const told = () =>
    scene.logs
      .filter(({ message }) => message === 'requests put off')
      .reduce((sum, { requests }) => sum + Number(requests), 0);
  await expect.poll(told).toBe(put.length);
});

test('an idle connection stays open longer than any front end keeps it', async () => {
  const { headers, body } = binaryRequest(messageEvent(eventOf('e-0')));
  const kept = await new Promise((resolve, reject) => {
    const url = scene.processes[0]!.url;
    const sent = request(
      url,
      { method: 'POST', headers: { ...headers, connection: 'keep-alive' } },
      (response) => {
        response.resume();
        resolve(response.headers['keep-alive']);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
  // if we close a connection while the front end sends on it, that event is redelivered
  expect(kept).toBe('timeout=620');
});
