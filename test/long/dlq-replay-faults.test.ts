import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listLetters, readSummary } from '../../shared/dead-letters/letter-store.ts';
import type { LetterStatus } from '../../shared/dead-letters/records.ts';
import { readReplayMark } from '../../shared/events/replay-mark.ts';
import { type DlqScene, deathOf, startDlq } from '../helpers/dlq.ts';
import type { Received } from '../helpers/pubsub.ts';

let scene: DlqScene;
beforeEach(async () => {
  scene = await startDlq({ pubsub: true });
});
afterEach(() => scene.close());

const INGEST = 'replay-ingestevent';
const many = (count: number) => Array.from({ length: count }, (_, n) => deathOf(n));
const statusOf = async (letter: string): Promise<LetterStatus | undefined> =>
  (await readSummary(scene.state, letter))?.status;
const idsOf = (received: readonly Received[]): string[] =>
  received.map(({ message }) => String(message.attributes?.['ce-id']));

test('a payload of the largest size is shown in part and published whole', async () => {
  const data = Buffer.alloc(10 * 1024 * 1024, 'Ω\u0000\u001b[31m ');
  const death = deathOf(1, { data });
  await scene.write(death);
  const shown = await scene.here(['show', death.letter]);
  expect(shown.code).toBe(0);
  expect(shown.stdout.length).toBeLessThan(100_000);
  expect((await scene.here(['replay', death.letter])).code).toBe(0);
  const [got] = await scene.received(INGEST);
  expect(Buffer.from(got?.message.data ?? '', 'base64').equals(data)).toBe(true);
});

test('a damaged entry, a damaged envelope and attributes without room for the mark block no other letter', async () => {
  const [damaged, envelope, full, good] = [
    deathOf(1),
    deathOf(2, { form: 'envelope', data: 'no JSON', attributes: {} }),
    deathOf(3, { attributes: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`a-${n}`, 'x'])) }),
    deathOf(4),
  ];
  await scene.write(damaged, envelope, full, good);
  const name = `dead-letters/${damaged.letter}/death-${damaged.key}.json`;
  const stored = await scene.state.stat(name);
  const { metadata = {}, generation = '' } = stored ?? {};
  await scene.state.replaceIf(name, generation, Buffer.from('{"kind":'), { metadata });

  const run = await scene.json('replay', '--all', '--wait', '1');
  expect(run).toMatchObject({
    published: expect.arrayContaining([full.letter, good.letter]),
    unmarked: [full.letter],
    outcomes: { resolved: [], failedAgain: [], pending: [good.letter], dropped: [] },
  });
  const left = run['left'] as { letter: string; kind: string; reason: string }[];
  expect(left.map(({ letter, kind }) => [letter, kind]).sort()).toEqual(
    [damaged, envelope].map(({ letter }) => [letter, 'not-replayable']).sort(),
  );
  expect(left.find(({ letter }) => letter === damaged.letter)?.reason).toBe(`${name} is not JSON`);
  expect(await scene.received(INGEST)).toHaveLength(2);
  const shown = await scene.here(['show', damaged.letter]);
  expect(shown).toMatchObject({ code: 1, stderr: `${name} is not JSON\n` });
  const bytes = await scene.here(['show', envelope.letter]);
  expect(bytes.stdout).toMatch(/\npayload: 7 bytes of text.*\n {2}no JSON\n$/);
});

describe('interrupted', () => {
  const COUNT = 150;
  const args = ['replay', '--all', '--rate', '100'];
  beforeEach(() => scene.write(...many(COUNT)));

  /** Kills the command after it has published some messages. */
  const killed = async (
    signal: 'SIGINT' | 'SIGKILL',
  ): Promise<{ code: unknown; stdout: string; stderr: string }> => {
    scene.pubsub!.server.resetStats();
    const { child, ended } = scene.start(...args);
    await expect
      .poll(() => scene.pubsub!.server.stats().operations.publish ?? 0, {
        timeout: 30_000,
        interval: 5,
      })
      .toBeGreaterThan(4);
    child.kill(signal);
    return ended;
  };
  const marked = async (): Promise<Set<string>> => {
    const letters = await listLetters(scene.state);
    return new Set(letters.filter(({ status }) => status === 'replayed').map(({ letter }) => letter));
  };
  const letterOf = ({ message }: Received): string => readReplayMark(message.attributes ?? {})?.letter ?? '';

  test('by Ctrl-C and by kill -9: the same command continues, and in the end each has been sent', async () => {
    const first = await killed('SIGINT');
    expect(first.code).toBe(130);
    expect(first.stderr).toMatch(/stopped\n$/);
    expect(first.stdout).toMatch(
      /\d+ of 150 dead letters published in .*\nrun the same command again to continue\n$/,
    );
    const sent = await scene.received(INGEST);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length).toBeLessThan(COUNT);
    // on Ctrl-C it marks what it has published
    expect(new Set(sent.map(letterOf))).toEqual(await marked());

    const second = await killed('SIGKILL');
    expect(second.code).toBe('SIGKILL');
    const known = await marked();
    expect(known.size).toBeLessThan(COUNT);
    sent.push(...(await scene.received(INGEST)));
    const inDoubt = new Set(sent.map(letterOf)).size - known.size;

    const last = await scene.here(['replay', '--all', '--rate', '10000']);
    expect(last.code).toBe(0);
    expect(last.stdout).toContain(`skipped: ${known.size}, already replayed, no outcome yet\n`);
    expect(last.stdout).toContain(`${COUNT - known.size} of ${COUNT - known.size} dead letters published`);
    sent.push(...(await scene.received(INGEST)));
    expect(new Set(sent.map(letterOf)).size).toBe(COUNT);
    // only published but unmarked letters were sent again: as the same event, at most one batch
    expect(sent).toHaveLength(COUNT + inDoubt);
    expect(inDoubt).toBeLessThanOrEqual(10);
    expect(new Set(idsOf(sent)).size).toBe(COUNT);
    expect((await marked()).size).toBe(COUNT);
  });
});

describe('a service that fails', () => {
  test('storage that refuses marks: the same command publishes again what was published', async () => {
    await scene.write(...many(3));
    scene.gcs.server.faults.add({
      action: { kind: 'status', status: 503 },
      operations: ['upload'],
      name: 'replay-',
      times: null,
    });
    const run = await scene.here(['replay', '--all']);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(
      /0 of 3 dead letters published in .*\nrun the same command again to continue\n$/,
    );
    expect(run.stderr).toMatch(/503/);
    expect(await scene.received(INGEST)).toHaveLength(3);
    scene.gcs.server.faults.clear();
    expect((await scene.here(['replay', '--all'])).code).toBe(0);
    expect(idsOf(await scene.received(INGEST)).sort()).toEqual(['e-0', 'e-1', 'e-2']);
    expect(await statusOf(deathOf(0).letter)).toBe('replayed');
  });

  test('a message that Pub/Sub refuses blocks no other', async () => {
    await scene.write(...many(4));
    // first the batch, then its first message alone
    scene.pubsub!.server.faults.add({
      action: { kind: 'status', status: 400 },
      operations: ['publish'],
      times: 2,
    });
    const run = await scene.here(['replay', '--all']);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/3 of 4 dead letters published in /);
    expect(run.stdout).toMatch(
      new RegExp(`skipped: ${deathOf(0).letter.slice(0, 12)} {2}order.created e-0: Pub/Sub: .*400`),
    );
    expect(idsOf(await scene.received(INGEST)).sort()).toEqual(['e-1', 'e-2', 'e-3']);
    expect(await statusOf(deathOf(0).letter)).toBe('open');
  });

  test('a missing topic', async () => {
    await scene.write(deathOf(1));
    const run = await scene.here(['replay', '--all', '--project', 'other']);
    expect(run.code).toBe(1);
    expect(run.stderr).toBe(
      'topic projects/other/topics/replay-ingestevent does not exist: deploy.sh creates one per function; REPLAY_TOPIC_PREFIX sets their prefix\n',
    );
  });
});
