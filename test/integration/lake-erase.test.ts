import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeltaTable } from '../../shared/delta/index.ts';
import { type LakeScene, rowsOfMessage, startLake } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';

const DAY = 86_400_000;
let scene: LakeScene;
/** Milliseconds ahead of the storage server's clock. */
let age = 0;
beforeEach(async () => {
  age = 0;
  scene = await startLake({ now: () => Date.now() - age });
});
afterEach(() => scene.close());

const events = (from: number, count: number, extra: Record<string, unknown> = {}) =>
  Array.from({ length: count }, (_, n) =>
    rowsOfMessage(structured({ id: `e-${from + n}`, ...extra }), '2026-11-20T10:00:00Z'),
  ).flat();

async function idsOfRows(...filters: string[]): Promise<string[]> {
  const run = await scene.here('query', '--format', 'csv', '--columns', 'ce_id', ...filters);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return run.stdout.trim().split('\n').slice(1).sort();
}

describe('pipeline lake erase', () => {
  test('erases by id, correlation and condition, says when that is final, and a vacuum makes it final', async () => {
    // files of 8 days ago: vacuum leaves younger ones alone
    age = 8 * DAY;
    await scene.table.append(events(0, 5));
    await scene.table.append(events(5, 5, { correlationid: 'customer-7' }));
    await scene.table.append(events(10, 5, { subject: 'orders/1' }));
    const [first] = await scene.table
      .scan()
      .next()
      .then(({ value }) => value ?? []);
    age = 0;
    const sure = ['--yes', '--reason', 'ticket 12'];
    const byId = await scene.here('erase', '--id', String(first?.event_id), ...sure);
    expect(byId.stderr).toBe('');
    expect(byId.stdout).toMatch(
      /^1 event of 1 file erased in version 4: 4 other events copied, .* written$/m,
    );
    expect(byId.stdout).toMatch(/older versions show them until .*vacuum.* after 20\d\d-.*Z$/m);
    expect(await scene.here('erase', '--correlation', 'customer-7', ...sure)).toMatchObject({ code: 0 });
    expect(
      await scene.here('erase', '--where', 'subject=orders/1', '--where', 'ce_id=e-10', ...sure),
    ).toMatchObject({
      code: 0,
    });
    expect(await idsOfRows()).toEqual(['e-11', 'e-12', 'e-13', 'e-14', 'e-1', 'e-2', 'e-3', 'e-4'].sort());
    expect(await idsOfRows('--version', '3')).toHaveLength(15);
    // the same command again does nothing
    const again = await scene.here('erase', '--correlation', 'customer-7', ...sure);
    expect(again).toMatchObject({ code: 0, stdout: 'no event matches\n' });
    expect((await scene.here('verify')).stdout).toMatch(/all is well/);

    // too early: the files are kept for a week after the commit
    expect((await scene.here('vacuum')).stdout).toMatch(/^0 files of/);
    const later = await DeltaTable.open(scene.store, 'events', {
      clock: { now: () => Date.now() + 8 * DAY, sleep: async () => {} },
    });
    expect((await later.vacuum()).files).toHaveLength(3);
    const old = await scene.here('query', '--version', '3');
    expect(old).toMatchObject({ code: 1 });
    expect(old.stderr).toMatch(/vacuum deletes what only old versions need/);
    expect(await idsOfRows()).toHaveLength(8);
  });

  test('a dry run counts, as JSON too, and changes nothing', async () => {
    await scene.table.append(events(0, 5));
    const dry = await scene.here('erase', '--where', 'ce_id=e-3', '--dry-run');
    expect(dry).toEqual({ code: 0, stdout: '1 event of 1 file would be erased (dry run)\n', stderr: '' });
    const json = await scene.here('erase', '--where', 'ce_id=e-3', '--dry-run', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ rows: 1, files: 1, versions: [], isDryRun: true });
    expect((await scene.table.snapshot()).version).toBe(1);
  });

  test('a table of other columns, by one of them', async () => {
    const other = await DeltaTable.create(scene.store, 'letters', {
      columns: [
        { name: 'death_id', type: 'string', nullable: false },
        { name: 'bytes', type: 'long' },
      ],
    });
    await other.append([1n, 2n, 3n].map((bytes) => ({ death_id: `d${bytes}`, bytes })));
    const run = await scene.here(
      ...([
        'erase',
        '--table',
        'gs://lake/letters',
        '--where',
        'bytes>=2',
        '--yes',
        '--reason',
        'a',
      ] as const),
    );
    expect(run.stdout).toMatch(/^2 events of 1 file erased in version 2: 1 other event copied/);
  });

  test('the history names it, and no value of the filter is in the log', async () => {
    await scene.table.append(events(0, 5, { subject: 'someone@example.com' }));
    await scene.here('erase', '--subject', 'someone@example.com', '--yes', '--reason', 'ticket 12');
    expect((await scene.here('history')).stdout).toMatch(/^2 .* DELETE .* -5 /m);
    const commit = await scene.store.get('events/_delta_log/00000000000000000002.json');
    expect(Buffer.from(commit?.body ?? []).toString()).not.toContain('someone@example.com');
  });

  test.each([
    [[], /^a filter must be given/],
    [['--id', 'abc'], /^--id must be 8 to 64 hex digits, got "abc"/],
    [['--type', 't'], /^--reason must be given/],
    [['--type', 't', '--reason', ' '], /^--reason must be 1 to 1000 characters, got ""/],
    [['--type', 't', '--reason', 'r'], /^this cannot be undone: pass --yes/],
    [['--where', 'nowhere=1', '--reason', 'r', '--yes'], /^--where names "nowhere"; the table has event_id/],
    [['--where', 'type', '--reason', 'r', '--yes'], /^--where must be COLUMN=VALUE, got "type"/],
    [
      ['--subject', 'someone@x', '--reason', 'for someone@x', '--yes'],
      /^--reason must not contain the subject/,
    ],
  ])('wrong usage %j is reported and does nothing', async (args, message) => {
    const run = await scene.here('erase', ...args);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(message);
  });
});
