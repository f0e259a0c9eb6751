import { describe, expect, test } from 'vitest';
import { BlockCache } from '../../../shared/storage/block-cache.ts';

const KiB = 1024;
const MiB = KiB * KiB;

/** An object whose every byte is its offset modulo 251. */
function source(size: number): {
  read: (offset: number, length: number) => Promise<Uint8Array>;
  log: string[];
} {
  const log: string[] = [];
  return {
    log,
    async read(offset, length) {
      log.push(`${offset / KiB}K+${length / KiB}K`);
      const bytes = new Uint8Array(Math.min(length, size - offset));
      for (let at = 0; at < bytes.length; at++) bytes[at] = (offset + at) % 251;
      return bytes;
    },
  };
}

describe('how much is fetched', () => {
  test('a jump fetches 128 KiB from the start of its page; sequential reading fetches 256 KiB', async () => {
    const { read, log } = source(4 * MiB);
    const cache = new BlockCache({ size: 4 * MiB, read });
    await cache.from(1 * MiB + 5);
    await cache.from(1 * MiB + 128 * KiB);
    await cache.from(1 * MiB + 384 * KiB);
    expect(log).toEqual(['1024K+128K', '1152K+256K', '1408K+256K']);
  });

  test('a long sequential read uses ever longer runs, of at most 512 KiB', async () => {
    const { read, log } = source(64 * MiB);
    const cache = new BlockCache({ size: 64 * MiB, read });
    for (let at = 0; at < 16 * MiB; ) at += (await cache.from(at)).length;
    const longest = Math.max(...log.map((entry) => Number.parseInt(entry.split('+')[1]!, 10)));
    expect(longest).toBe(512);
    // 128 + 256 + 256 and so on: after 2 MiB, a quarter of the bytes read allows 512 each.
    expect(log.length).toBeLessThan(40);
  });

  test('a reader that only jumps, from fragment to fragment, soon gets one page each', async () => {
    const { read, log } = source(64 * MiB);
    const cache = new BlockCache({ size: 64 * MiB, read });
    for (let jump = 0; jump < 9; jump++) await cache.from(jump * MiB);
    expect(log.map((entry) => entry.split('+')[1])).toEqual([
      ...Array(6).fill('128K'),
      ...Array(3).fill('32K'),
    ]);
    // Continuing from there is sequential again.
    await cache.from(8 * MiB + 32 * KiB);
    await cache.from(20 * MiB);
    expect(log.slice(-2)).toEqual(['8224K+64K', '20480K+128K']);
  });

  test('cached bytes are not fetched again: a run stops in front of them', async () => {
    const { read, log } = source(4 * MiB);
    const cache = new BlockCache({ size: 4 * MiB, read });
    await cache.from(192 * KiB);
    await cache.from(64 * KiB + 1);
    await cache.from(100 * KiB);
    await cache.from(250 * KiB);
    expect(log).toEqual(['192K+128K', '64K+128K']);
    await cache.from(32 * KiB);
    expect(log.at(-1)).toBe('32K+32K');
  });

  test('the last run ends where the object ends, and past the end there is nothing', async () => {
    const { read, log } = source(100 * KiB);
    const cache = new BlockCache({ size: 100 * KiB, read });
    expect((await cache.from(90 * KiB)).length).toBe(10 * KiB);
    expect((await cache.from(100 * KiB)).length).toBe(0);
    expect(log).toEqual(['64K+36K']);
  });

  test('concurrent readers of the same bytes share one fetch', async () => {
    const { read, log } = source(MiB);
    const cache = new BlockCache({ size: MiB, read });
    await Promise.all([cache.from(0), cache.from(10), cache.slice(100, 5)]);
    expect(log).toEqual(['0K+128K']);
  });

  test('a range known to be needed is read in one fetch', async () => {
    const { read, log } = source(4 * MiB);
    const cache = new BlockCache({ size: 4 * MiB, read });
    await cache.prefetch(1 * MiB, 2 * MiB);
    await cache.slice(1 * MiB, 2 * MiB);
    expect(log).toEqual(['1024K+2048K']);
  });
});

test('a slice over several runs has exactly the bytes of the object', async () => {
  const { read } = source(2 * MiB);
  const cache = new BlockCache({ size: 2 * MiB, read });
  const slice = await cache.slice(100_000, 700_000);
  expect(slice.length).toBe(700_000);
  for (const at of [0, 1, 31_071, 31_072, 350_000, 699_999]) expect(slice[at]).toBe((100_000 + at) % 251);
  expect((await cache.slice(2 * MiB - 3, 100)).length).toBe(3);
});

test('memory is bounded: the least recently used run is evicted first and fetched again', async () => {
  const { read, log } = source(8 * MiB);
  const cache = new BlockCache({ size: 8 * MiB, read, maxBytes: 256 * KiB });
  await cache.from(0);
  await cache.from(1 * MiB);
  await cache.from(0);
  await cache.from(2 * MiB);
  await cache.from(0);
  expect(log).toHaveLength(3);
  await cache.from(1 * MiB);
  expect(log).toHaveLength(4);
});

test('a failed fetch is not remembered: the next reader retries', async () => {
  let failing = true;
  const { read } = source(MiB);
  const cache = new BlockCache({
    size: MiB,
    read: (offset, length) => (failing ? Promise.reject(new Error('503')) : read(offset, length)),
  });
  await expect(cache.from(0)).rejects.toThrow('503');
  failing = false;
  expect((await cache.from(0)).length).toBe(128 * KiB);
});

describe('bytes shown in place of others', () => {
  test('appear in bytes read before and after, across runs, and the store keeps its own', async () => {
    const stored = Uint8Array.from({ length: 600 * KiB }, (_, at) => at % 251);
    const read = async (offset: number, length: number) => stored.subarray(offset, offset + length);
    const cache = new BlockCache({ size: stored.length, read });
    await cache.from(0);
    const shown = Uint8Array.from(stored);
    // the first run ends at 128 KiB
    for (const offset of [4, 128 * KiB - 2, 400 * KiB]) {
      cache.overwrite(offset, Buffer.from('free'));
      shown.set(Buffer.from('free'), offset);
    }
    expect(Buffer.from(await cache.slice(0, stored.length)).equals(shown)).toBe(true);
    expect(stored[4]).toBe(4);
  });
});
