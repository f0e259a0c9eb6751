import { describe, expect, test } from 'vitest';
import { Backlog, type Item } from '../../../local/pubsub/backlog.ts';
import type { StoredMessage } from '../../../local/pubsub/message-log.ts';

const FOREVER = Number.POSITIVE_INFINITY;

function message(id: number, key = '', publishMs = id): StoredMessage {
  const segment = { path: '', file: undefined as never, live: 0 };
  return { id, publishMs, key, holders: 1, place: { segment, offset: 0, head: 0, length: 0 } };
}

function newBacklog(messages: StoredMessage[], ordered = false) {
  const released: number[] = [];
  const backlog = new Backlog({ ordered, firstLease: 0, onRelease: ({ id }) => released.push(id) });
  for (const one of messages) backlog.add(one);
  /** Takes every message that is available now. */
  const takeAll = (until = FOREVER): number[] => {
    const ids: number[] = [];
    for (let item = backlog.take(until); item; item = backlog.take(until)) ids.push(item.message.id);
    return ids;
  };
  const item = (id: number): Item => backlog.get(id)!;
  return { backlog, released, takeAll, item };
}

describe('the backlog of a subscription', () => {
  test('messages are taken in the order of publishing, each once', () => {
    const { backlog, takeAll } = newBacklog([message(1), message(2), message(3)]);
    expect(takeAll()).toEqual([1, 2, 3]);
    expect(takeAll()).toEqual([]);
    expect([backlog.size, backlog.outstanding]).toEqual([3, 3]);
  });

  test('an acknowledged message is released; acknowledging it again changes nothing', () => {
    const { backlog, released, item } = newBacklog([message(1), message(2)]);
    const first = backlog.take(FOREVER)!;
    backlog.settle(first);
    backlog.settle(first);
    expect(released).toEqual([1]);
    expect([backlog.size, backlog.outstanding]).toEqual([1, 0]);
    backlog.settle(item(2));
    expect(backlog.take(FOREVER)).toBeUndefined();
  });

  test('a lease ends at its time, and an extended one later', () => {
    const { backlog } = newBacklog([message(1), message(2)]);
    const first = backlog.take(100)!;
    const second = backlog.take(100)!;
    backlog.extend(second, second.lease, 200);
    expect(backlog.nextDue()).toBe(100);
    expect(backlog.expired(99)).toEqual([]);
    expect(backlog.expired(100)).toEqual([first]);
    expect(backlog.nextDue()).toBe(200);
    expect(backlog.expired(250)).toEqual([second]);
  });

  test('a shortened lease ends earlier', () => {
    const { backlog } = newBacklog([message(1)]);
    const item = backlog.take(600)!;
    backlog.extend(item, item.lease, 10);
    expect(backlog.expired(10)).toEqual([item]);
    expect(backlog.expired(600)).toEqual([]);
  });

  test('a failed message waits, and is then queued behind the others', () => {
    const { backlog, takeAll } = newBacklog([message(1), message(2)]);
    backlog.fail(backlog.take(FOREVER)!, 50, 0);
    expect(backlog.nextDue()).toBe(50);
    expect(backlog.expired(49)).toEqual([]);
    backlog.add(message(3));
    expect(backlog.expired(50)).toEqual([]);
    expect(takeAll()).toEqual([2, 3, 1]);
    expect(backlog.get(1)!.failed).toBe(1);
  });

  test('a returned message is the next one, and its attempt does not count', () => {
    const { backlog, takeAll } = newBacklog([message(1), message(2)]);
    const item = backlog.take(FOREVER)!;
    backlog.putBack(item, item.lease);
    expect(item.failed).toBe(0);
    expect(takeAll()).toEqual([1, 2]);
  });

  test('responses of an older delivery no longer count', () => {
    const { backlog } = newBacklog([message(1)]);
    const item = backlog.take(FOREVER)!;
    const old = item.lease;
    backlog.fail(item, 0, 0);
    backlog.take(100);
    backlog.extend(item, old, 900);
    backlog.putBack(item, old);
    expect(item.state).toBe('leased');
    expect(backlog.nextDue()).toBe(100);
  });

  test('one message of a key at a time; other keys and messages without a key are not delayed', () => {
    const { backlog, takeAll, item } = newBacklog(
      [message(1, 'a'), message(2, 'a'), message(3, 'b'), message(4), message(5, 'a')],
      true,
    );
    expect(takeAll()).toEqual([1, 3, 4]);
    backlog.fail(item(1), 50, 0);
    expect(takeAll()).toEqual([]);
    backlog.expired(50);
    expect(takeAll()).toEqual([1]);
    backlog.settle(item(1));
    expect(takeAll()).toEqual([2]);
    backlog.settle(item(5));
    backlog.settle(item(2));
    expect(takeAll()).toEqual([]);
    backlog.add(message(6, 'a'));
    expect(takeAll()).toEqual([6]);
  });

  test('without ordering, keys mean nothing', () => {
    expect(newBacklog([message(1, 'a'), message(2, 'a')]).takeAll()).toEqual([1, 2]);
  });

  test('messages that are too old are dropped, whatever they wait for', () => {
    const { backlog, released, takeAll } = newBacklog(
      [message(1), message(2), message(3, 'a'), message(4, 'a')],
      true,
    );
    backlog.take(100);
    backlog.dropBefore(4);
    expect(released).toEqual([1, 2, 3]);
    expect(backlog.expired(100)).toEqual([]);
    expect(takeAll()).toEqual([4]);
  });

  test('a seek back redelivers retained messages, a seek ahead acknowledges', () => {
    const { backlog, released, takeAll, item } = newBacklog([message(1), message(2), message(3)]);
    takeAll();
    for (const id of [1, 2]) backlog.settle(item(id), true);
    expect(backlog.size).toBe(1);
    backlog.seek(2, 3, true);
    expect(takeAll()).toEqual([2, 3]);
    expect(released).toEqual([]);
    backlog.seek(100, 2, false);
    expect(released).toEqual([1, 2]);
    expect(takeAll()).toEqual([3]);
  });

  test('a seek keeps the order of a key', () => {
    const { backlog, takeAll, item } = newBacklog([message(1, 'a'), message(2, 'a'), message(3, 'a')], true);
    takeAll();
    backlog.settle(item(1), true);
    takeAll();
    backlog.seek(0, 3, true);
    expect(takeAll()).toEqual([1]);
  });

  test('extending a lease forever does not make the backlog grow', () => {
    const { backlog } = newBacklog([message(1)]);
    const item = backlog.take(1)!;
    for (let until = 2; until < 50_000; until++) backlog.extend(item, item.lease, until);
    expect(backlog.scheduled).toBeLessThan(2_000);
    expect(backlog.nextDue()).toBe(49_999);
  });
});
