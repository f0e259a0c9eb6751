import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectRows, DeltaTable } from '../../shared/delta/index.ts';
import { runDlqHere } from '../helpers/dlq.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { linesOf, RECEIVING, SOURCE_KEYS, type SourceId } from '../helpers/receive.ts';

let pipeline: Pipeline;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'receive-letters-'));
  writeFileSync(join(dir, 'RECEIVE_SOURCES'), linesOf(SOURCE_KEYS));
  pipeline = await startPipeline({
    only: ['receiveEvent', 'ingestEvent', 'inspectDeadLetter'],
    app: RECEIVING,
    secretsDir: dir,
  });
});
afterAll(async () => {
  await pipeline?.close();
  rmSync(dir, { recursive: true, force: true });
});

async function send(source: SourceId, contentType: string, members: unknown[]): Promise<unknown> {
  const answer = await fetch(new URL(`/${source}`, pipeline.cloud.endpoints.functions['receiveEvent']), {
    method: 'POST',
    headers: { 'content-type': contentType, 'x-api-key': SOURCE_KEYS[source] },
    body: JSON.stringify(members),
  });
  return answer.json();
}

const dlq = async (...args: string[]) => {
  const [command = '', ...rest] = args;
  return runDlqHere([command, '--local', pipeline.dir, ...rest]);
};
async function letters(): Promise<Record<string, unknown>[]> {
  const { stdout } = await dlq('list', '--letters', '--json', '--status', 'all');
  return (JSON.parse(stdout) as { letters: Record<string, unknown>[] }).letters;
}

async function rows(): Promise<unknown[]> {
  const table = await DeltaTable.open(pipeline.cloud.storage.bucket('lake'), 'events');
  return (await collectRows(table.scan())).map((row) => [row['type'], row['data']]);
}

test('bad members of a received batch go home with one command, or the next step says who must act', async () => {
  const grid = { id: 'g-1', topic: '/t', subject: 's', eventType: 'Made', eventTime: '2026-11-21T10:00:00Z' };
  // what its sender calls an event has no topic: no event of Event Grid, but JSON
  const other = { id: 'g-2', subject: 's', eventType: 'Made' };
  expect(await send('eventgrid/blobs', 'application/json', [grid, other])).toEqual({
    events: 1,
    deadLetters: 1,
  });
  const typeless = { specversion: '1.0', id: 'c-1', source: '/shop' };
  const batch = 'application/cloudevents-batch+json';
  expect(await send('cloudevents/shop', batch, [typeless])).toEqual({ events: 0, deadLetters: 1 });

  await expect.poll(letters).toHaveLength(2);
  const byCode = new Map((await letters()).map((one) => [one['code'], one]));
  const [plain, broken] = ['app-other-form', 'invalid-event'].map((code) => byCode.get(code)!);
  expect([plain!['function'], broken!['function']]).toEqual(['ingestEvent', 'ingestEvent']);
  const shown = await dlq('show', String(plain!['letter']));
  expect(shown.stdout).toMatch(/receivedfrom: eventgrid\/blobs/);
  expect(shown.stdout).toMatch(/next +replay it to store it as plain JSON; or have its sender correct it/);
  expect((await dlq('show', String(broken!['letter']))).stdout).toMatch(
    /next +a replay would fail the same way: have the producer fix the event/,
  );

  const replayed = await dlq('replay', String(plain!['letter']), '--wait', '30');
  expect(replayed).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 resolved/) });
  await expect.poll(rows).toContainEqual(['Made', JSON.stringify(other)]);
  const again = await dlq('replay', String(broken!['letter']), '--wait', '30');
  expect(again.stdout).toMatch(/1 failed again/);
  const statuses = (await letters()).map(({ letter, status }) => [letter, status]);
  expect(new Map(statuses as [unknown, unknown][])).toEqual(
    new Map([
      [plain!['letter'], 'resolved'],
      [broken!['letter'], 'failed-again'],
    ]),
  );
});
