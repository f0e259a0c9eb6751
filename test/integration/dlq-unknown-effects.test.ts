import { afterEach, beforeEach, expect, test } from 'vitest';
import { runEffect } from '../../shared/patterns/effect.ts';
import { type DlqScene, deathOf, startDlq } from '../helpers/dlq.ts';

let scene: DlqScene;
beforeEach(async () => {
  scene = await startDlq({ pubsub: true });
});
afterEach(() => scene.close());

const TOPIC = 'replay-ingestevent';
const letterOf = (n: number) => deathOf(n, { code: 'effect-unknown', message: 'effect card was started' });

/** A delivery of event `n` whose function has one effect. */
function deliver<T>(n: number, work: () => T | Promise<T>, name = 'card'): Promise<T> {
  const { function: by, eventId } = letterOf(n);
  const { signal } = new AbortController();
  const run = { state: scene.state, function: by, eventId, name, log: { error() {} }, signal };
  return runEffect(run, work, { onUnknown: 'stop' });
}

/** Makes event `n` a dead letter whose effect may have happened. */
async function die(n: number): Promise<string> {
  const failing = deliver(n, () => Promise.reject(new Error('connection reset')));
  await expect(failing).rejects.toMatchObject({ code: 'effect-unknown' });
  await scene.write(letterOf(n));
  return letterOf(n).letter;
}

test('replayed without a decision, the event is refused again', async () => {
  const letter = await die(1);
  expect(await scene.here(['replay', letter])).toMatchObject({ code: 0 });
  await expect(deliver(1, () => 'charged')).rejects.toMatchObject({ code: 'effect-unknown' });
});

test('it happened: the replay does not run it, and gets the value that the person found', async () => {
  const letter = await die(1);
  const args = ['replay', letter, '--effect-done', '--effect-value', '{"receipt":7}'];
  const dry = await scene.here([...args, '--dry-run']);
  expect(dry.stdout).toMatch(
    /effect card of [0-9a-f]{12}, started 20.*Z, key [0-9a-f]{64}: marked as done\n/,
  );
  await expect(deliver(1, () => 'charged')).rejects.toMatchObject({ code: 'effect-unknown' });
  expect(await scene.received(TOPIC)).toEqual([]);

  expect(await scene.here(args)).toMatchObject({ code: 0, stderr: '' });
  expect(await scene.received(TOPIC)).toHaveLength(1);
  expect(await deliver<unknown>(1, () => 'charged twice')).toEqual({ receipt: 7 });
});

test('it did not happen: the replay runs it once', async () => {
  const letters = [await die(1), await die(2)];
  expect(await scene.here(['replay', ...letters, '--effect-again'])).toMatchObject({ code: 0, stderr: '' });
  expect(await scene.received(TOPIC)).toHaveLength(2);
  for (const n of [1, 2]) {
    expect(await deliver(n, () => 'charged')).toBe('charged');
    expect(await deliver(n, () => 'charged twice')).toBe('charged');
  }
});

test('an effect that is done or running is left alone', async () => {
  const letter = await die(1);
  await deliver(1, () => 'sent', 'mail');
  let finish = () => {};
  const running = deliver(1, () => new Promise<void>((resolve) => (finish = resolve)), 'slow');
  await expect
    .poll(() => scene.state.stat(`effects/ingestEvent/${letterOf(1).eventId}/slow/started.json`))
    .toBeDefined();
  const run = await scene.here(['replay', letter, '--effect-again']);
  expect(run.stdout.match(/^effect .*$/gm)).toEqual([expect.stringMatching(/^effect card of/)]);
  expect(await deliver(1, () => 'sent twice', 'mail')).toBe('sent');
  finish();
  await running;
});

test('erasing a dead letter erases its effects and decisions', async () => {
  const letter = await die(1);
  const { eventId } = letterOf(1);
  await scene.state.putIfAbsent(`records/ingestEvent/${eventId}/voucher.json`, Buffer.from('{}'));
  const erased = await scene.here(['erase', letter, '--reason', 'asked to', '--yes']);
  expect(erased).toMatchObject({ code: 0 });
  for (const prefix of ['effects/', 'records/']) {
    for await (const { name } of scene.state.list({ prefix })) expect.unreachable(name);
  }
});

test('dlq show says what to do', async () => {
  const letter = await die(1);
  const { stdout } = await scene.here(['show', letter]);
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /ask the provider whether the effect happened: if so, replay with --effect-done; if not, with --effect-again/,
  );
});

test.each([
  [['--effect-done', '--effect-again'], '--effect-done and --effect-again cannot be combined'],
  [['--effect-again', '--effect-value', '1'], '--effect-value must be given with --effect-done'],
  [['--effect-done', '--effect-value', '{'], '--effect-value must be JSON'],
  [['--effect-done', '--effect-value', '1'], '--effect-value needs exactly 1 unknown effect, got 2'],
])('%j', async (args, message) => {
  const letters = [await die(1), await die(2)];
  const run = await scene.here(['replay', ...letters, ...args]);
  expect(run.code).toBe(2);
  expect(run.stderr).toContain(message);
  expect(await scene.received(TOPIC)).toEqual([]);
});
