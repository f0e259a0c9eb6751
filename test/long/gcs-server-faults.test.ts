import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../local/gcs/faults.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { StorageRequest } from '../../shared/storage/gcs.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';

const body = Buffer.from('one body');
const large = Buffer.alloc(3_000_000, 'abcdefg');

let gcs: TestGcs;
let store: ObjectStore;
let requests: StorageRequest[];

beforeEach(async () => {
  gcs = await startTestGcs();
  requests = [];
  store = gcs.storage({ onRequest: (request) => requests.push(request) }).bucket('bucket');
});
afterEach(() => gcs.close());

const fault = (action: Fault['action'], rest: Omit<Fault, 'action'> = {}): void =>
  gcs.server.faults.add({ action, ...rest });
const attempts = (operation: StorageRequest['operation']): number =>
  requests.filter((request) => request.operation === operation).length;
const read = async (name: string): Promise<string | undefined> => {
  const stored = await store.get(name);
  return stored && Buffer.from(stored.body).toString();
};
/** A clock that runs `happen` instead of waiting: something that happens between two attempts. */
const meanwhile = (happen: () => Promise<unknown>): Clock => ({
  now: () => Date.now(),
  async sleep() {
    await happen();
  },
});

describe('a write whose answer goes wrong', () => {
  it.each([
    ['the answer is lost', { kind: 'applied-drop' }],
    ['503 after the write was applied', { kind: 'applied-status', status: 503 }],
    ['412 to its own successful write', { kind: 'applied-status', status: 412 }],
    ['the answer breaks off', { kind: 'cut', afterBytes: 20 }],
  ] as const)('%s: it was written, once', async (_, action) => {
    fault(action, { operations: ['upload'] });
    const outcome = await store.putIfAbsent('a', body, { metadata: { mine: 'yes' } });
    expect(outcome.kind).toBe('written');
    const live = await store.stat('a');
    expect(outcome).toEqual({ kind: 'written', facts: live });
    expect(live?.metadata).toEqual({ mine: 'yes' });

    fault(action, { operations: ['upload'] });
    const replaced = await store.replaceIf('a', live!.generation, Buffer.from('two'));
    expect(replaced).toEqual({ kind: 'written', facts: await store.stat('a') });
    expect(await read('a')).toBe('two');
  });

  it.each([
    ['503 and nothing done', { kind: 'status', status: 503 }],
    ['429', { kind: 'status', status: 429 }],
    ['a dropped connection', { kind: 'drop' }],
    ['412 though nothing is there', { kind: 'status', status: 412 }],
  ] as const)('%s, twice: the third attempt writes', async (_, action) => {
    fault(action, { operations: ['upload'], times: 2 });
    expect((await store.putIfAbsent('a', body)).kind).toBe('written');
    expect(attempts('put')).toBe(3);
  });

  it('another writer was first: an attempt in doubt does not hide that', async () => {
    fault({ kind: 'status', status: 503 }, { operations: ['upload'] });
    const other = gcs.storage().bucket('bucket');
    const late = gcs
      .storage({ retry: { clock: meanwhile(() => other.putIfAbsent('a', Buffer.from('theirs'))) } })
      .bucket('bucket');
    expect(await late.putIfAbsent('a', body)).toEqual({ kind: 'exists' });
    expect(await read('a')).toBe('theirs');
  });

  it('a replacement in doubt that another one followed: its outcome is reported as unknown', async () => {
    const first = await store.putIfAbsent('a', body);
    const generation = first.kind === 'written' ? first.facts.generation : '';
    fault({ kind: 'applied-drop' }, { operations: ['upload'] });
    const replaceByOther = async (): Promise<void> => {
      const live = await store.stat('a');
      await store.replaceIf('a', live!.generation, Buffer.from('theirs'));
    };
    const doubtful = gcs.storage({ retry: { clock: meanwhile(replaceByOther) } }).bucket('bucket');
    await expect(doubtful.replaceIf('a', generation, Buffer.from('mine'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('unknown'),
    });
    expect(await read('a')).toBe('theirs');
  });

  it('no attempt gets through: unavailable, and nothing is stored', async () => {
    fault({ kind: 'drop' }, { operations: ['upload'], times: null });
    await expect(store.putIfAbsent('a', body)).rejects.toMatchObject({ code: 'unavailable' });
    expect(attempts('put')).toBe(6);
    expect(await store.stat('a')).toBeUndefined();
  });

  it('the last attempt was applied but its answer lost: reading back settles it', async () => {
    const single = gcs.storage({ retry: { attempts: 1 } }).bucket('bucket');
    fault({ kind: 'applied-drop' }, { operations: ['upload'] });
    expect((await single.putIfAbsent('a', body)).kind).toBe('written');
  });

  it('written, but the answer and the read-back are lost: unavailable', async () => {
    fault({ kind: 'applied-drop' }, { operations: ['upload'], times: null });
    fault({ kind: 'drop' }, { operations: ['stat'], times: null });
    await expect(store.putIfAbsent('a', body)).rejects.toMatchObject({ code: 'unavailable' });
    gcs.server.faults.clear();
    expect(await read('a')).toBe('one body');
  });
});

describe('a read that goes wrong', () => {
  beforeEach(async () => {
    await store.putIfAbsent('a', large);
    requests.length = 0;
  });

  it.each([
    ['cut in the middle', { kind: 'cut', afterBytes: 1_000_000 }],
    ['cut after no byte', { kind: 'cut', afterBytes: 0 }],
    ['refused with 503', { kind: 'status', status: 503 }],
    ['dropped unanswered', { kind: 'drop' }],
    ['with a bit turned over', { kind: 'corrupt' }],
  ] as const)('%s: read again, and whole', async (_, action) => {
    fault(action, { operations: ['read'] });
    const stored = await store.get('a');
    expect(Buffer.compare(stored!.body, large)).toBe(0);
    expect(attempts('read')).toBe(2);
    expect(requests.find(({ error }) => error)?.error?.code).toBe('unavailable');
  });

  it('a range cut short is read again', async () => {
    fault({ kind: 'cut', afterBytes: 400_000 }, { operations: ['read'], times: 2 });
    const part = await store.getRange('a', 1_000_000, 500_000);
    expect(Buffer.compare(part!, large.subarray(1_000_000, 1_500_000))).toBe(0);
    expect(attempts('read')).toBe(3);
  });

  it('every body cut: unavailable, never a short read', async () => {
    fault({ kind: 'cut', afterBytes: 1_000_000 }, { operations: ['read'], times: null });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.getRange('a', 0, 2_000_000)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('truncated answers of stat and list are requested again', async () => {
    fault({ kind: 'cut', afterBytes: 50 }, { operations: ['stat', 'list'], times: 2 });
    expect((await store.stat('a'))?.size).toBe(3_000_000);
    expect(attempts('stat')).toBe(3);
    fault({ kind: 'cut', afterBytes: 50 }, { operations: ['list'] });
    const names: string[] = [];
    for await (const { name } of store.list()) names.push(name);
    expect(names).toEqual(['a']);
  });

  it('a cut body does not affect other requests of the process', async () => {
    fault({ kind: 'delay', ms: 150 }, { operations: ['read'], name: 'slow' });
    await store.putIfAbsent('slow', body);
    requests.length = 0;
    const slow = store.get('slow');
    fault({ kind: 'cut', afterBytes: 1_000_000 }, { operations: ['read'], name: 'a' });
    await store.get('a');
    expect(Buffer.from((await slow)!.body).toString()).toBe('one body');
    expect(requests.filter(({ name, error }) => name === 'slow' && error)).toEqual([]);
  });

  it('the object is replaced between its body and its metadata: both are of one generation', async () => {
    fault({ kind: 'delay', ms: 100 }, { operations: ['stat'] });
    const reading = store.get('a');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const live = await store.stat('a');
    const replaced = await store.replaceIf('a', live!.generation, Buffer.from('new'), {
      metadata: { new: 'yes' },
    });
    const stored = await reading;
    expect(Buffer.from(stored!.body).toString()).toBe('new');
    expect(replaced).toEqual({ kind: 'written', facts: stored?.facts });
  });

  it('a range transfers no more bytes than requested', async () => {
    gcs.server.resetStats();
    await store.getRange('a', 10, 1_000);
    expect(gcs.server.stats().operations.read).toEqual({ requests: 1, bytesIn: 0, bytesOut: 1_000 });
  });
});

describe('a signal', () => {
  it('stops a read that stalls, at once, and closes its connection', async () => {
    await store.putIfAbsent('a', large);
    fault({ kind: 'stall', afterBytes: 1_000_000 }, { operations: ['read'] });
    const reason = new Error('enough');
    const controller = new AbortController();
    const reading = store.getRange('a', 0, 2_000_000, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(reading).rejects.toBe(reason);
    expect((await store.stat('a'))?.size).toBe(3_000_000);
  });

  it('stops a write that gets no answer', async () => {
    fault({ kind: 'delay', ms: 5_000 }, { operations: ['upload'] });
    const started = performance.now();
    const signal = AbortSignal.timeout(50);
    await expect(store.putIfAbsent('a', body, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('stops the wait between attempts, with the failure that caused it', async () => {
    fault({ kind: 'status', status: 503 }, { times: null });
    const patient = gcs
      .storage({ retry: { baseMs: 60_000, maxMs: 60_000, random: () => 0.9 } })
      .bucket('bucket');
    await expect(patient.stat('a', { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('503'),
    });
  });
});

describe('a delete', () => {
  it('whose answer is lost still counts as done', async () => {
    await store.putIfAbsent('a', body);
    fault({ kind: 'applied-drop' }, { operations: ['delete'] });
    expect(await store.delete('a')).toBe(true);
    expect(await store.stat('a')).toBeUndefined();
  });

  it('that is retried does not delete an object written in between', async () => {
    await store.putIfAbsent('a', body);
    fault({ kind: 'applied-drop' }, { operations: ['delete'] });
    const again = gcs
      .storage({ retry: { clock: meanwhile(() => store.putIfAbsent('a', Buffer.from('newer'))) } })
      .bucket('bucket');
    await again.delete('a');
    expect(await read('a')).toBe('newer');
  });
});

describe('errors say who acts', () => {
  it.each([
    [401, 'denied'],
    [403, 'denied'],
    [408, 'unavailable'],
    [429, 'quota'],
    [500, 'unavailable'],
    [502, 'unavailable'],
    [504, 'timeout'],
    [400, 'internal'],
  ] as const)('%s is %s', async (status, code) => {
    await store.putIfAbsent('a', body);
    fault({ kind: 'status', status }, { times: null });
    const quick = gcs.storage({ retry: { attempts: 2, baseMs: 1 } }).bucket('bucket');
    const failure = { code, message: expect.stringMatching(new RegExp(`gs://bucket/a: ${status}`)) };
    await expect(quick.stat('a')).rejects.toMatchObject(failure);
    await expect(quick.getRange('a', 0, 1)).rejects.toMatchObject(failure);
    await expect(quick.putIfAbsent('a', body)).rejects.toMatchObject(failure);
    await expect(quick.delete('a', { generation: '1' })).rejects.toMatchObject(failure);
  });

  it('a missing bucket is named by every operation', async () => {
    const nowhere = gcs.storage().bucket('no-such-bucket');
    const failure = {
      code: 'invalid-config',
      message: expect.stringContaining('bucket no-such-bucket does not exist'),
    };
    await expect(nowhere.stat('a')).rejects.toMatchObject(failure);
    await expect(nowhere.get('a')).rejects.toMatchObject(failure);
    await expect(nowhere.getRange('a', 0, 1)).rejects.toMatchObject(failure);
    await expect(nowhere.putIfAbsent('a', body)).rejects.toMatchObject(failure);
    await expect(nowhere.replaceIf('a', '1', body)).rejects.toMatchObject(failure);
    await expect(nowhere.delete('a')).rejects.toMatchObject(failure);
    await expect(nowhere.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject(failure);
  });

  it('the configured endpoint overrides STORAGE_EMULATOR_HOST', async () => {
    process.env['STORAGE_EMULATOR_HOST'] = 'http://127.0.0.1:9';
    try {
      const sure = gcs.storage().bucket('bucket');
      expect((await sure.putIfAbsent('a', body)).kind).toBe('written');
      expect(Buffer.from((await sure.get('a'))!.body).toString()).toBe('one body');
    } finally {
      delete process.env['STORAGE_EMULATOR_HOST'];
    }
  });

  it('a server that does not answer is unavailable', async () => {
    await gcs.server.close();
    await expect(store.stat('a')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.putIfAbsent('a', body)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
