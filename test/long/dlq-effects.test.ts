import { afterAll, beforeAll, expect, test } from 'vitest';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import { listLetters, writeDeath } from '../../shared/dead-letters/letter-store.ts';
import { collectRows, DeltaTable } from '../../shared/delta/index.ts';
import { deathOf } from '../helpers/dlq.ts';
import { type CliRun, startCli } from '../helpers/lake.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';

/** `REPLAYED_LETTERS=10000` makes it a large queue. */
const COUNT = Number(process.env['REPLAYED_LETTERS'] ?? 300);
const RATE = Math.max(50, Math.floor(COUNT / 8));

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ only: ['ingestEvent'] });
  const state = pipeline.cloud.storage.bucket('state');
  await mapConcurrent(Array.from({ length: COUNT }), 32, (_, n) =>
    writeDeath(state, deathOf(n, { code: `code-${n % 50}` })),
  );
}, 600_000);
afterAll(() => pipeline?.close());

const args = (...more: string[]): string[] => ['dlq', 'replay', '--all', '--local', pipeline.dir, ...more];

/** Runs the command and kills it when many of the letters are marked. */
async function killed(signal: 'SIGINT' | 'SIGKILL'): Promise<CliRun> {
  const before = await sent();
  const { child, ended } = startCli(args('--rate', String(RATE)));
  await expect.poll(sent, { timeout: 120_000, interval: 20 }).toBeGreaterThan(before + COUNT / 10);
  child.kill(signal);
  return ended;
}

async function sent(): Promise<number> {
  const letters = await listLetters(pipeline.cloud.storage.bucket('state'));
  return letters.filter(({ replays }) => replays > 0).length;
}

test(`${COUNT} dead letters replayed at ${RATE} a second, stopped by kill -9 and by Ctrl-C: all are resolved, each once`, async () => {
  expect((await killed('SIGKILL')).code).toBe('SIGKILL');
  expect((await killed('SIGINT')).code).toBe(130);
  expect(await sent()).toBeLessThan(COUNT);

  const last = await startCli(args('--rate', String(RATE), '--wait', '120')).ended;
  expect(last.code, last.stderr).toBe(0);
  // replays sent by the killed runs are settled by now, too
  const letters = async () => listLetters(pipeline.cloud.storage.bucket('state'));
  const isHome = async () => (await letters()).filter(({ status }) => status === 'resolved').length;
  await expect.poll(isHome, { timeout: 60_000, interval: 200 }).toBe(COUNT);

  const table = await DeltaTable.open(pipeline.cloud.storage.bucket('lake'), 'events');
  const rows = await collectRows(table.scan());
  expect(rows).toHaveLength(COUNT);
  const ids = rows.map((row) => String(row['ce_id']));
  expect(ids.sort()).toEqual(Array.from({ length: COUNT }, (_, n) => `e-${n}`).sort());
  // each is linked to its letter
  const causes = new Set(rows.map((row) => row['causation_id']));
  expect(causes).toEqual(new Set((await letters()).map(({ letter }) => letter)));

  // a further run finds nothing to do
  const again = await startCli(args('--json')).ended;
  expect(JSON.parse(again.stdout)).toMatchObject({ wanted: [], published: [] });
  const open = await startCli(['dlq', 'list', '--local', pipeline.dir]).ended;
  expect(open.stdout).toMatch(
    new RegExp(`^no dead letter is open; ${COUNT.toLocaleString('en-US')} settled`),
  );
}, 900_000);
