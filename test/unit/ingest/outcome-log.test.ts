import { expect, onTestFinished, test, vi } from 'vitest';
import { OutcomeLog } from '../../../functions/ingest/outcome-log.ts';
import { createLogger } from '../../../shared/core/log.ts';

function scene() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => void lines.push(JSON.parse(line)) });
  return { lines, log, outcomes: new OutcomeLog(log, () => 1_000, new Set(['video.framed'])) };
}
const added = ['ingested', 7] as const;
const known = ['duplicate', 6] as const;

test('events of a commit are one entry per type and outcome, with their number', async () => {
  const { lines, outcomes } = scene();
  for (let index = 0; index < 3; index++) outcomes.note({ type: 'video.framed' }, ...added, 990);
  outcomes.note({ type: 'video.framed' }, ...known, 980);
  outcomes.note({ type: 'order.created', publish_time: 400_000n }, ...added, 970);
  await new Promise(setImmediate);
  expect(lines).toEqual([
    expect.objectContaining({
      ...{ message: 'events ingested', outcome: 'ingested', eventType: 'video.framed', count: 3, version: 7 },
      durationMs: { mean: 10, p50: 10, p95: 10, max: 10 },
    }),
    expect.objectContaining({ outcome: 'duplicate', eventType: 'video.framed', count: 1 }),
    expect.objectContaining({
      ...{ outcome: 'ingested', eventType: 'other', count: 1, types: { 'order.created': 1 } },
      lagMs: { mean: 600, p50: 600, p95: 600, max: 600 },
    }),
  ]);
  outcomes.note({ type: 'video.framed' }, ...added, 999);
  await new Promise(setImmediate);
  expect(lines.slice(3)).toMatchObject([{ count: 1, outcome: 'ingested' }]);
});

test('ten thousand invented types are one label, and ten names in the entry', async () => {
  const { lines, outcomes } = scene();
  for (let index = 0; index < 10_000; index++) outcomes.note({ type: `made.up.${index}` }, ...added, 1_000);
  await new Promise(setImmediate);
  expect(lines).toMatchObject([{ eventType: 'other', count: 10_000 }]);
  expect(Object.keys(lines[0]!['types'] as object)).toHaveLength(10);
});

test('a function that publishes types and sources from its input has a bounded number of labels, too', async () => {
  // the process has one set of labels: fill that of a copy, which no other test file is given
  vi.resetModules();
  onTestFinished(() => void vi.resetModules());
  const { reportPublished } = await import('../../../shared/invocation/outcome.ts');
  const { lines, log } = scene();
  for (let index = 0; index < 10_000; index++) {
    reportPublished(log, { type: `t-${index}`, source: `/s-${index}`, topic: 'events', messageId: '1' });
  }
  expect(lines).toHaveLength(10_000);
  for (const label of ['eventType', 'source']) {
    expect(new Set(lines.map((line) => line[label])).size).toBe(51);
  }
});
