import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MessageLog, openMessageLog, type StoredMessage } from '../../../local/pubsub/message-log.ts';
import { type Entry, fromDeltas, openStateJournal, toDeltas } from '../../../local/pubsub/state-journal.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pubsub-storage-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('messages on disk', () => {
  const SEGMENT = 1_000;
  let log: MessageLog;
  let found: Map<number, StoredMessage>;
  /** Opens the folder; every subscription accepts its messages. */
  const open = (): void => {
    found = new Map();
    const take = (message: StoredMessage, to: readonly number[]): void => {
      message.holders = to.length;
      found.set(message.id, message);
    };
    log = openMessageLog(dir, take, SEGMENT);
  };
  const write = (id: number, json = `{"id":${id}}`, to = [1]): StoredMessage => {
    const [message] = log.append([
      { id, publishMs: id * 10, key: `key\t"${id}`, to, json: Buffer.from(json) },
    ]);
    return message!;
  };
  const files = (): string[] => readdirSync(dir).sort();
  beforeEach(open);
  afterEach(() => log.close());

  test('a message reads back as written, even after a restart', () => {
    const text = '{"data":"YQ==","attributes":{"k":"é\\t\\n😀"}}';
    expect(log.read(write(7, text)).toString()).toBe(text);
    log.close();
    open();
    expect(found.get(7)).toMatchObject({ id: 7, publishMs: 70, key: 'key\t"7' });
    expect(log.read(found.get(7)!).toString()).toBe(text);
    expect(log.lastId).toBe(7);
  });

  test('a line torn by a kill is dropped, and writing continues after the last whole one', () => {
    write(1);
    write(2, `{"long":"${'x'.repeat(100)}"}`);
    log.close();
    const file = join(dir, files()[0]!);
    truncateSync(file, statSync(file).size - 40);
    open();
    expect([...found.keys()]).toEqual([1]);
    write(3);
    log.close();
    open();
    expect([...found.keys()]).toEqual([1, 3]);
  });

  test('a file whose messages are no longer held is removed', () => {
    const messages = Array.from({ length: 60 }, (_, index) => write(index + 1));
    const before = files().length;
    expect(before).toBeGreaterThan(2);
    for (const message of messages) log.release(message);
    expect(files()).toHaveLength(1);
  });

  test('the few messages still held in a file are moved, and read back the same', () => {
    const messages = Array.from({ length: 60 }, (_, index) => write(index + 1));
    const held = messages[3]!;
    for (const message of messages) if (message !== held) log.release(message);
    expect(files()).toHaveLength(1);
    expect(log.read(held).toString()).toBe('{"id":4}');
    log.close();
    open();
    expect(log.read(found.get(4)!).toString()).toBe('{"id":4}');
  });

  test('a message held twice stays until both have let go', () => {
    const message = write(1, '{}', [1, 2]);
    for (let id = 2; id < 60; id++) log.release(write(id));
    log.release(message);
    expect(log.read(message).toString()).toBe('{}');
  });

  test('a move cut short by a kill leaves one message, not two', () => {
    write(1, '{"first":1}');
    const line = '[1,10,"key",[1]]\t{"first":1}\n';
    log.close();
    appendFileSync(join(dir, '0000000009.log'), line);
    open();
    expect([...found.keys()]).toEqual([1]);
    expect(files()).toEqual(['0000000009.log']);
  });

  test('a message larger than a file is still written', () => {
    const large = `{"data":"${'x'.repeat(5_000)}"}`;
    write(1);
    expect(log.read(write(2, large)).toString()).toBe(large);
    expect(log.read(write(3)).toString()).toBe('{"id":3}');
  });
});

describe('the journal of the state', () => {
  const path = (): string => join(dir, 'state.ndjson');
  const topic = (name: string): Entry => ({ topic: { name } });
  const read = (): Entry[] => {
    let entries: readonly Entry[] = [];
    const journal = openStateJournal(
      path(),
      (replayed) => {
        entries = replayed;
      },
      () => entries,
    );
    journal.close();
    return [...entries];
  };

  test('entries read back in order, deferred ones included', () => {
    const journal = openStateJournal(
      path(),
      () => undefined,
      () => [],
    );
    journal.append(topic('a'));
    journal.appendSoon({ ack: 1, ids: [1] });
    journal.appendSoon({ ack: 1, ids: [2] });
    journal.appendSoon({ ack: 2, ids: [3] });
    journal.append(topic('b'));
    journal.appendSoon({ deletedTopic: 'a' });
    journal.close();
    expect(read()).toEqual([
      topic('a'),
      { ack: 1, ids: [1, 2] },
      { ack: 2, ids: [3] },
      topic('b'),
      { deletedTopic: 'a' },
    ]);
  });

  test('a line torn by a kill is dropped', () => {
    const journal = openStateJournal(
      path(),
      () => undefined,
      () => [topic('a')],
    );
    journal.close();
    appendFileSync(path(), '{"deletedTop');
    expect(read()).toEqual([topic('a')]);
  });

  test('a journal that has grown is rewritten from a snapshot', async () => {
    const snapshot = [topic('kept')];
    const journal = openStateJournal(
      path(),
      () => undefined,
      () => snapshot,
      1_000,
    );
    for (let id = 0; id < 200; id++) {
      journal.append({ ack: 1, ids: [id] });
      if (id % 10 === 0) await immediate();
    }
    await immediate();
    expect(statSync(path()).size).toBeLessThan(2_000);
    journal.close();
    expect(read()[0]).toEqual(topic('kept'));
  });

  test('ids are kept as differences', () => {
    const ids = [1_795_226_865_596_001, 1_795_226_865_596_002, 1_795_226_865_597_000];
    expect(toDeltas(ids)).toEqual([1_795_226_865_596_001, 1, 998]);
    expect(fromDeltas(toDeltas(ids))).toEqual(ids);
  });
});
