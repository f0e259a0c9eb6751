import { expect, test } from 'vitest';
import {
  findLetters,
  listLetters,
  readEntry,
  readLetter,
  readSummary,
  writeDeath,
  writeDiscard,
  writeReplay,
  writeResolved,
} from '../../../shared/dead-letters/letter-store.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { deathRecord } from '../../helpers/letters.ts';

const A = 'a'.repeat(32);
const B = `ab${'0'.repeat(30)}`;
const at = '2026-11-21T10:00:00.000Z';

/** A store whose clock advances by a second with each write. */
function ticking(): ObjectStore {
  let now = Date.parse('2026-11-21T10:00:00Z');
  return createMemoryStorage({ now: () => (now += 1_000) }).bucket('state');
}

test('a letter is listed with the data of its last death and the count of all', async () => {
  const store = ticking();
  const object = { kind: 'object', bucket: 'raw', name: 'ünï \\u0041.mp4', generation: '17' } as const;
  await writeDeath(
    store,
    deathRecord({ letter: A, key: 'd1', code: 'quota', diedAt: '2026-11-20T10:00:00.000Z' }),
  );
  await writeDeath(
    store,
    deathRecord({ letter: A, key: 'd2', concern: object, pattern: 'was "nül\u0007l"' }),
  );
  await writeReplay(store, { letter: A, key: 'r1', topic: 't', messageId: '1', at });
  expect(await listLetters(store)).toEqual([
    {
      letter: A,
      status: 'replayed',
      function: 'ingestEvent',
      way: 'given-up',
      code: 'denied',
      group: '0123456789ab',
      pattern: 'was "nül\u0007l"',
      eventId: 'e'.repeat(64),
      correlationId: 'corr-1',
      concern: 'gs://raw/ünï \\u0041.mp4#17',
      deaths: 2,
      replays: 1,
      firstDiedAt: '2026-11-20T10:00:00.000Z',
      lastDiedAt: at,
      bytes: expect.any(Number),
    },
  ]);
});

test('metadata is short and plain ASCII, whatever the letter holds', async () => {
  const store = ticking();
  await writeDeath(
    store,
    deathRecord({ letter: A, correlationId: '😀'.repeat(5_000), pattern: 'p'.repeat(300), code: '\r\nx: y' }),
  );
  for await (const { metadata } of store.list()) {
    const text = JSON.stringify(metadata);
    expect(text.length).toBeLessThan(4_000);
    expect(text).toMatch(/^[\x20-\x7e]*$/);
    expect(metadata['pattern']).toBe('p'.repeat(300));
  }
  expect((await listLetters(store))[0]?.code).toBe('\r\nx: y');
});

test('each entry is written once; the second write says that it exists', async () => {
  const store = ticking();
  const replay = { letter: A, key: 'r', topic: 't', messageId: '1', at };
  const note = { letter: A, key: 'r', by: 'me', at };
  const twice = async (write: () => Promise<boolean>): Promise<boolean[]> => [await write(), await write()];
  expect(await twice(() => writeDeath(store, deathRecord({ letter: A })))).toEqual([true, false]);
  expect(await twice(() => writeReplay(store, replay))).toEqual([true, false]);
  expect(await twice(() => writeResolved(store, note))).toEqual([true, false]);
  expect(await twice(() => writeDiscard(store, { ...note, reason: 'test data' }))).toEqual([true, false]);
});

test('many letters: each once, whatever their first digit', async () => {
  const store = ticking();
  const ids = Array.from({ length: 64 }, (_, index) =>
    (index * 4).toString(16).padStart(2, '0').padEnd(32, 'f'),
  );
  for (const letter of ids) await writeDeath(store, deathRecord({ letter }));
  expect((await listLetters(store)).map(({ letter }) => letter).sort()).toEqual(ids);
});

test('other objects in the folder are no letters, nor is a letter without a death', async () => {
  const store = ticking();
  const strangers = [
    `dead-letters/${A}/note.txt`,
    'dead-letters/a/death-1.json',
    `dead-letters/${B}/death-.json`,
  ];
  for (const name of strangers) await store.putIfAbsent(name, Buffer.from('{}'));
  await writeResolved(store, { letter: B, key: 'r', by: 'me', at });
  expect(await listLetters(store)).toEqual([]);
  expect(await readLetter(store, A)).toBeUndefined();
});

test('a letter is found by the start of its id', async () => {
  const store = ticking();
  for (const letter of [A, B]) {
    await writeDeath(store, deathRecord({ letter, key: 'd1' }));
    await writeDeath(store, deathRecord({ letter, key: 'd2' }));
  }
  expect(await findLetters(store, 'aa')).toEqual([A]);
  expect(await findLetters(store, 'a')).toEqual([A, B]);
  expect(await findLetters(store, 'a', { max: 1 })).toEqual([A]);
  expect(await findLetters(store, 'b')).toEqual([]);
  for (const wrong of ['', '../', 'A', 'a'.repeat(33)]) expect(await findLetters(store, wrong)).toEqual([]);
});

test('a letter is read whole, oldest entry first, by storage time', async () => {
  const store = ticking();
  const death = deathRecord({ letter: A, key: 'd1' });
  await writeDeath(store, death);
  await writeReplay(store, { letter: A, key: 'r', topic: 't', messageId: '1', at: '1999-01-01T00:00:00Z' });
  await writeDeath(store, deathRecord({ letter: A, key: 'c2', replay: 'r' }));
  const letter = await readLetter(store, A);
  expect(letter?.status).toBe('failed-again');
  expect(letter?.replays).toEqual([expect.objectContaining({ key: 'r', status: 'failed-again' })]);
  expect(letter?.entries.map(({ entry }) => `${entry.kind}-${entry.key}`)).toEqual([
    'death-d1',
    'replay-r',
    'death-c2',
  ]);
  // JSON has no undefined
  expect(letter?.entries[0]?.entry).toEqual(JSON.parse(JSON.stringify(death)));
  expect(letter?.unread).toBe(0);
});

test('the newest of very many deaths are read, and all are counted', async () => {
  const store = ticking();
  for (let index = 0; index < 30; index++) {
    await writeDeath(store, deathRecord({ letter: A, key: `d-${index}` }));
  }
  const letter = await readLetter(store, A, { deaths: 3 });
  expect(letter?.entries.map(({ entry }) => entry.key)).toEqual(['d-27', 'd-28', 'd-29']);
  expect(letter?.unread).toBe(27);
  expect(await readSummary(store, A)).toMatchObject({ deaths: 30 });
});

test('one entry, or none', async () => {
  const store = ticking();
  await writeDeath(store, deathRecord({ letter: A, key: 'd1' }));
  expect(await readEntry(store, { letter: A, kind: 'death', key: 'd1' })).toMatchObject({ key: 'd1' });
  expect(await readEntry(store, { letter: A, kind: 'death', key: 'd2' })).toBeUndefined();
});

test('an invalid name is not written', async () => {
  const store = ticking();
  await expect(writeDeath(store, deathRecord({ letter: '../x' }))).rejects.toThrow('got ../x');
  await expect(writeReplay(store, { letter: A, key: 'a/b', topic: 't', messageId: '1', at })).rejects.toThrow(
    'and a/b',
  );
});
