import { expect, test } from 'vitest';
import { PublishQueue } from '../../../functions/receive/publish-queue.ts';
import { AppError } from '../../../shared/core/errors.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';

const message = (data: string): OutgoingMessage => ({ data });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function queueWith(work: (messages: readonly OutgoingMessage[]) => Promise<void>) {
  const requests: string[][] = [];
  const state = { now: 0 };
  const queue = new PublishQueue({
    topic: 'events',
    publisher: async () => ({
      async publish(_topic, messages) {
        requests.push(messages.map(({ data }) => String(data)));
        await work(messages);
        return messages.map((_, index) => String(index));
      },
      close() {},
    }),
    timeoutMs: 4_500,
    now: () => state.now,
  });
  return { queue, requests, state };
}

test('messages gather while four requests are under way, and go together', async () => {
  const open: (() => void)[] = [];
  const { queue, requests } = queueWith(() => new Promise((resolve) => open.push(resolve)));
  const first: Promise<void>[] = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    first.push(queue.publish([message(name)]));
    await turn();
  }
  const rest = Array.from({ length: 500 }, (_, index) => queue.publish([message(String(index))]));
  await turn();
  expect(requests).toEqual([['a'], ['b'], ['c'], ['d']]);
  open.shift()!();
  await first[0];
  await turn();
  expect(requests).toHaveLength(5);
  expect(requests[4]).toHaveLength(500);
  for (const release of open) release();
  await Promise.all([...first, ...rest]);
});

test('a request has at most 1,000 messages and 5 MB; a larger group is sent alone', async () => {
  const { queue, requests } = queueWith(async () => undefined);
  const large = 'x'.repeat(3_000_000);
  await Promise.all([
    queue.publish(Array.from({ length: 600 }, () => message('a'))),
    queue.publish(Array.from({ length: 600 }, () => message('b'))),
    queue.publish([message(large)]),
    queue.publish([message(large)]),
    queue.publish([message(large + large)]),
  ]);
  expect(requests.map((one) => one.length)).toEqual([600, 601, 1, 1]);
});

test('one refused message fails its own group; nobody else hears of it', async () => {
  const { queue } = queueWith(async (messages) => {
    if (messages.some(({ data }) => data === 'bad')) throw new AppError('invalid-event', 'Pub/Sub: no');
  });
  const results = await Promise.allSettled(['a', 'bad', 'b'].map((data) => queue.publish([message(data)])));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  // our own message is at fault, not its sender
  expect(results[1]).toMatchObject({ reason: { code: 'internal' } });
});

test('an outage fails every group of the request, and later ones are tried again', async () => {
  let isDown = true;
  const { queue } = queueWith(async () => {
    if (isDown) throw new AppError('unavailable', 'Pub/Sub: 503');
  });
  const down = await Promise.allSettled([queue.publish([message('a')]), queue.publish([message('b')])]);
  expect(down.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isDown = false;
  await queue.publish([message('a')]);
});

test('a group whose sender has given up is not published', async () => {
  const open: (() => void)[] = [];
  const { queue, requests, state } = queueWith(() => new Promise((resolve) => open.push(resolve)));
  const busy: Promise<void>[] = [];
  for (let index = 0; index < 4; index++) {
    busy.push(queue.publish([message('busy')]));
    await turn();
  }
  const late = queue.publish([message('late')]);
  const failed = expect(late).rejects.toMatchObject({ code: 'timeout' });
  await turn();
  state.now = 4_500;
  for (const release of open) release();
  await Promise.all(busy);
  await failed;
  expect(requests.flat()).not.toContain('late');
});

test('nothing to publish takes no request', async () => {
  const { queue, requests } = queueWith(async () => undefined);
  await queue.publish([]);
  expect(requests).toEqual([]);
});
