import { expect, test } from 'vitest';
import { Suspects } from '../../../functions/dead-letter/suspects.ts';
import { idle } from '../../helpers/delta.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';

const delivered = (deliveryAttempt: number | undefined) =>
  messageEvent(pubsubMessage({ data: 'x' }), {
    data: {
      deliveryAttempt,
      subscription: 'projects/demo/subscriptions/s',
      message: pubsubMessage({ data: 'x' }),
    },
  });

test('a first and a second delivery wait for nobody', async () => {
  const suspects = new Suspects();
  for (const attempt of [undefined, 1, 2]) {
    let isBegun = false;
    void suspects.run(delivered(attempt), async () => {
      isBegun = true;
    });
    expect(isBegun).toBe(true);
  }
});

test.each([
  { letters: 40, atATime: 8 },
  { letters: 10, atATime: 2 },
  { letters: 4, atATime: 1 },
])(
  '$letters that are redelivered again take turns, $atATime at a time, in random order',
  async ({ letters, atATime }) => {
    const order: number[] = [];
    let [running, most] = [0, 0];
    // always picks the last of those that wait
    const suspects = new Suspects(() => 0.999, 2);
    await Promise.all(
      Array.from({ length: letters }, (_, serial) =>
        suspects.run(delivered(3), async () => {
          order.push(serial);
          most = Math.max(most, ++running);
          await idle(1);
          running--;
        }),
      ),
    );
    expect(order).toEqual(Array.from({ length: letters }, (_, index) => letters - 1 - index));
    expect(most).toBe(atATime);
  },
);

test('one that fails passes its turn on', async () => {
  const suspects = new Suspects(Math.random, 1);
  const failed = suspects.run(delivered(5), () => Promise.reject(new Error('no')));
  await expect(failed).rejects.toThrow('no');
  expect(await suspects.run(delivered(5), async () => 'done')).toBe('done');
});

test('the answer to one has left before the next begins', async () => {
  const suspects = new Suspects(() => 0, 1);
  const order: string[] = [];
  const first = suspects.run(delivered(3), async () => void order.push('first'));
  const answered = first.then(() => new Promise(setImmediate)).then(() => order.push('answer'));
  await suspects.run(delivered(3), async () => void order.push('second'));
  await answered;
  expect(order).toEqual(['first', 'answer', 'second']);
});
