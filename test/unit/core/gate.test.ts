import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Gate, type Pass } from '../../../shared/core/gate.ts';

const never = new AbortController().signal;

/** Records names in the order in which they enter. */
function entering(gate: Gate) {
  const inside: string[] = [];
  const passes = new Map<string, Pass>();
  const enter = (name: string, weight: number, signal = never): Promise<void> =>
    gate.enter(weight, signal).then((pass) => {
      inside.push(name);
      passes.set(name, pass);
    });
  return { inside, passes, enter };
}

test('as many as fit enter, the rest in the order of arrival', async () => {
  const { inside, passes, enter } = entering(new Gate(10, 'events', 1_000));
  const all = [enter('a', 6), enter('b', 6), enter('c', 1)];
  await turn();
  // c would fit, but b came first
  expect(inside).toEqual(['a']);
  passes.get('a')!.leave();
  await Promise.all(all);
  expect(inside).toEqual(['a', 'b', 'c']);
});

test('unneeded room is released at once, and leaving twice releases once', async () => {
  const { inside, passes, enter } = entering(new Gate(10, 'events', 1_000));
  await enter('a', 10);
  const waiting = enter('b', 8);
  passes.get('a')!.keep(2);
  await waiting;
  passes.get('a')!.keep(9);
  passes.get('a')!.leave();
  passes.get('a')!.leave();
  const late = enter('c', 3);
  await turn();
  expect(inside).toEqual(['a', 'b']);
  passes.get('b')!.leave();
  await late;
});

test('an item larger than the total room enters alone', async () => {
  const { inside, passes, enter } = entering(new Gate(10, 'events', 1_000));
  await enter('small', 1);
  const huge = enter('huge', 1_000);
  await turn();
  expect(inside).toEqual(['small']);
  passes.get('small')!.leave();
  await huge;
});

test('a wait that is too long fails with both numbers, and one that is aborted lets the next in', async () => {
  const gate = new Gate(10, 'events', 30);
  const { inside, enter } = entering(gate);
  await enter('a', 8);
  await expect(gate.enter(5, never)).rejects.toMatchObject({
    code: 'busy',
    message: 'events at a time must be at most 10, got 8 and 5 more for 30 ms',
  });
  const controller = new AbortController();
  const impatient = gate.enter(5, controller.signal);
  const small = enter('b', 2);
  controller.abort(new Error('no time'));
  await expect(impatient).rejects.toThrow('no time');
  await small;
  expect(inside).toEqual(['a', 'b']);
});

test('a caller with an aborted signal does not enter', async () => {
  const gate = new Gate(10, 'events', 30);
  await expect(gate.enter(5, AbortSignal.abort(new Error('no time')))).rejects.toThrow('no time');
  await gate.enter(10, never);
});
