import { expect, test } from 'vitest';
import { AppError } from '../../../../shared/core/errors.ts';
import type { PreparedEvent } from '../../../../shared/events/publish.ts';
import { enqueue, forgetPublished } from '../../../../shared/patterns/outbox.ts';
import { type Relayed, relay } from '../../../../shared/patterns/relay.ts';
import type { Pool } from '../../database/pool.ts';
import { Topic } from '../helpers/topic.ts';

const event = (orderingKey: string, n: number, data = '{}'): PreparedEvent => {
  const id = `${orderingKey}.${n}`;
  return {
    ...{ topic: 'events', id, type: 'order.created', data, orderingKey },
    attributes: { 'ce-id': id },
  };
};
const idsOf = (key: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${key}.${n}`);

/** The outbox and its relay, on any PostgreSQL. */
export function outboxSuite(database: () => Pool): void {
  const run = (publisher: Topic, leaseMs = 60_000): Promise<Relayed> =>
    relay(database(), { publisher, topicNamed: (key) => `projects/p/topics/${key}`, leaseMs });
  const waiting = async (): Promise<number> => {
    const { rows } = await database().query<{ n: number }>(
      'select count(*)::integer as n from outbox where published_at is null',
    );
    return rows[0]!.n;
  };

  test('what is rolled back is never published; what is committed is, once, in order', async () => {
    const topic = new Topic();
    await database().transaction((sql) => enqueue(sql, [event('a', 0), event('b', 0)]));
    await expect(
      database().transaction(async (sql) => {
        await enqueue(sql, [event('a', 1)]);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await database().transaction((sql) => enqueue(sql, [event('a', 2), event('a', 3), event('a', 2)]));
    expect(await run(topic)).toEqual({ published: 4, refused: [], hasMore: false });
    expect(topic.idsOf('a')).toEqual(['a.0', 'a.2', 'a.3']);
    expect(topic.messages).toHaveLength(4);
    expect(await run(topic)).toEqual({ published: 0, refused: [], hasMore: false });
  });

  test('several relays at once: each event once, those of a stream in order, while more are enqueued', async () => {
    const topic = new Topic();
    const keys = Array.from({ length: 12 }, (_, n) => `many-${n}`);
    const fill = async (from: number): Promise<void> => {
      for (const key of keys) {
        const events = [event(key, from), event(key, from + 1)];
        await database().transaction((sql) => enqueue(sql, events));
      }
    };
    await fill(0);
    const filling = (async () => {
      for (let n = 2; n < 8; n += 2) await fill(n);
    })();
    while (!(await settled(filling))) await Promise.all([run(topic), run(topic), run(topic), run(topic)]);
    await run(topic);
    for (const key of keys) expect(topic.idsOf(key)).toEqual(idsOf(key, 8));
    expect(topic.messages).toHaveLength(keys.length * 8);
  });

  test('a stream that one relay publishes is left alone by the others, also what was enqueued meanwhile', async () => {
    const topic = new Topic();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const isAsked = new Promise<void>((resolve) => {
      topic.before = () => {
        resolve();
        return gate;
      };
    });
    await enqueue(database(), [event('held', 0)]);
    const first = run(topic);
    await isAsked;
    await enqueue(database(), [event('held', 1), event('free', 0)]);
    const other = new Topic();
    expect(await run(other)).toMatchObject({ published: 1 });
    expect(other.idsOf('free')).toEqual(['free.0']);
    open();
    expect(await first).toMatchObject({ published: 2 });
    expect(topic.idsOf('held')).toEqual(['held.0', 'held.1']);
  });

  test('a relay that dies after publishing: the next one publishes the same ids again, in order', async () => {
    const topic = new Topic();
    await enqueue(database(), [event('dead', 0), event('dead', 1)]);
    const dying: Pool = {
      ...database(),
      // killed before it marks what is published
      query: (text, values) =>
        text.includes('set published_at') ? new Promise(() => undefined) : database().query(text, values),
    };
    void relay(dying, { publisher: topic, topicNamed: (key) => key, leaseMs: 200 });
    await expect.poll(() => topic.messages.length).toBe(2);
    await enqueue(database(), [event('dead', 2)]);
    // its claim holds for a while
    await expect.poll(async () => (await run(topic)).published).toBe(3);
    expect(topic.messages.map(({ attributes }) => attributes?.['ce-id'])).toEqual([
      ...['dead.0', 'dead.1', 'dead.0', 'dead.1', 'dead.2'],
    ]);
  });

  test('Pub/Sub is out of reach: nothing is lost, and the next run publishes it', async () => {
    const topic = new Topic();
    await enqueue(database(), [event('out', 0), event('out', 1)]);
    topic.before = () => {
      throw new AppError('unavailable', 'no Pub/Sub');
    };
    await expect(run(topic)).rejects.toMatchObject({ code: 'unavailable' });
    topic.before = () => undefined;
    expect(await run(topic)).toMatchObject({ published: 2 });
    expect(topic.idsOf('out')).toEqual(['out.0', 'out.1']);
  });

  test('an event that Pub/Sub refuses holds up its own stream only', async () => {
    const topic = new Topic();
    await enqueue(database(), [event('bad', 0), event('bad', 1), event('bad', 2), event('good', 0)]);
    topic.before = (messages) => {
      if (messages.some(({ attributes }) => attributes?.['ce-id'] === 'bad.1')) {
        throw new AppError('invalid-event', 'refused');
      }
    };
    expect(await run(topic, 1)).toMatchObject({ refused: [{ code: 'invalid-event' }] });
    expect(topic.idsOf('bad')).toEqual(['bad.0']);
    expect(topic.idsOf('good')).toEqual(['good.0']);
    topic.before = () => undefined;
    await expect.poll(async () => (await run(topic)).published).toBe(2);
    expect(topic.idsOf('bad')).toEqual(idsOf('bad', 3));
  });

  test('a relay whose time is up says that there is more', async () => {
    const topic = new Topic();
    await enqueue(database(), [event('more', 0)]);
    const options = { publisher: topic, topicNamed: (key: string) => key };
    expect(await relay(database(), { ...options, maxMs: 0 })).toMatchObject({ published: 0, hasMore: true });
    expect(await relay(database(), options)).toMatchObject({ published: 1, hasMore: false });
  });

  test('an event larger than Pub/Sub takes never gets into the outbox', async () => {
    const large = event('large', 0, 'x'.repeat(10 * 1024 * 1024 + 1));
    await expect(database().transaction((sql) => enqueue(sql, [large]))).rejects.toMatchObject({
      code: 'too-large',
      message: 'message of order.created must have at most 10485760 bytes, got 10485761',
    });
    expect(await waiting()).toBe(0);
  });

  test('published events are deleted after their days, waiting ones never', async () => {
    await enqueue(database(), [event('old', 0), event('old', 1)]);
    await database().query(
      `update outbox set published_at = now() - interval '8 days' where id in ('old.0', 'a.0')`,
    );
    expect(await forgetPublished(database(), 7)).toBe(2);
    expect(await forgetPublished(database(), 7)).toBe(0);
    expect(await waiting()).toBe(1);
    await run(new Topic());
  });
}

async function settled(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([work.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
}
