import { describe, expect, test } from 'vitest';
import { SampleTable } from '../../../../functions/video/media/mp4-samples.ts';

function box(type: string, ...parts: Buffer[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0));
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...parts]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value | 0, index * 4);
  return bytes;
}

/**
 * Forty samples at 10 per second, keyframes at 0, 10, 20 and 30. Sample n has 100 + n bytes. Chunks of 5 are at
 * 1,000, 2,000 and so on; the last two chunks have 10.
 */
function track(changes: Record<string, Buffer | undefined> = {}): Buffer {
  const tables: Record<string, Buffer | undefined> = {
    stts: words(0, 1, 40, 100),
    stss: words(0, 4, 1, 11, 21, 31),
    stsz: words(0, 0, 40, ...Array.from({ length: 40 }, (_, sample) => 100 + sample)),
    stsc: words(0, 2, 1, 5, 1, 5, 10, 1),
    stco: words(0, 6, 1_000, 2_000, 3_000, 4_000, 5_000, 7_000),
    ...changes,
  };
  const { elst, ...rest } = tables;
  const boxes = Object.entries(rest).flatMap(([type, body]) => (body ? [box(type, body)] : []));
  return Buffer.concat([
    ...(elst ? [box('edts', box('elst', elst))] : []),
    box('mdia', box('mdhd', words(0, 0, 0, 1_000, 4_000, 0)), box('minf', box('stbl', ...boxes))),
  ]);
}

const range = (from: number, to: number, changes?: Record<string, Buffer | undefined>) =>
  SampleTable.read(track(changes))?.range(from, to, 4);

describe('the bytes for an interval of time', () => {
  test('start at the keyframe before and end a few samples after', () => {
    // 1.5 s is sample 15: from keyframe 10, first of the chunk at 3,000, to sample 19, last of the one at 4,000.
    const [before, size] = [115 + 116 + 117 + 118, 119];
    expect(range(1.5, 1.5)).toEqual({ offset: 3_000, length: 4_000 + before + size - 3_000 });
  });

  test('from one time to another cover both', () => {
    const one = range(1.5, 1.5)!;
    const both = range(1.5, 2.9)!;
    expect(both.offset).toBe(one.offset);
    // Sample 33, fourth of the chunk of ten at 7,000.
    expect(both.offset + both.length).toBe(7_000 + 130 + 131 + 132 + 133);
  });

  test('past the end they end with the last sample', () => {
    const size = Array.from({ length: 10 }, (_, one) => 130 + one).reduce((sum, bytes) => sum + bytes, 0);
    expect(range(100, 100)).toEqual({ offset: 7_000, length: size });
  });

  test('with an edit that starts 0.7 s in, everything shifts by that much', () => {
    const elst = words(0, 2, 500, -1, 0x10000, 3_300, 700, 0x10000);
    expect(range(0.8, 0.8, { elst })).toEqual(range(1.5, 1.5));
  });

  test('with reordered frames a keyframe counts from its presentation time, not its decoding time', () => {
    const ctts = words(0, 1, 40, 200);
    const elst = words(0, 1, 4_000, 200, 0x10000);
    // Keyframe 20 is decoded at 1.8 s of the player's clock and shown at 2.
    expect(range(1.95, 1.95, { ctts, elst })?.offset).toBe(3_000);
    expect(range(2, 2, { ctts, elst })?.offset).toBe(5_000);
  });

  test('without a list of keyframes every sample is one', () => {
    expect(range(1.5, 1.5, { stss: undefined })?.offset).toBe(4_000);
  });

  test('offsets of 64 bits, and samples of one size', () => {
    const co64 = Buffer.concat([words(0, 1), Buffer.from('0000000200000000', 'hex')]);
    const changes = { stco: undefined, co64, stsc: words(0, 1, 1, 40, 1), stsz: words(0, 50, 40) };
    expect(range(1.5, 1.5, changes)).toEqual({ offset: 2 ** 33 + 10 * 50, length: 10 * 50 });
  });
});

describe('false tables', () => {
  test.each([
    ['no samples', { stsz: words(0, 0, 0) }],
    ['no chunk offsets', { stco: undefined }],
    ['missing chunks', { stco: words(0, 1, 1_000) }],
    ['chunks without samples', { stsc: words(0, 1, 1, 0, 1) }],
    ['chunks in the wrong order', { stsc: words(0, 2, 9, 5, 1, 2, 5, 1) }],
    ['offsets that go backwards', { stco: words(0, 6, 1_000, 2_000, 9_000, 4_000, 5_000, 7_000) }],
  ])('%s: no range, no error', (_, changes) => {
    expect(range(1.5, 1.5, changes)).toBeUndefined();
  });

  test('counts far beyond the table are not walked', () => {
    const started = performance.now();
    range(1e9, 1e9, { stsz: words(0, 7, 0x7fff_ffff), stsc: words(0, 1, 1, 0x7fff_ffff, 1) });
    range(1e9, 1e9, { stts: words(0, 0x7fff_ffff, 40, 0) });
    expect(performance.now() - started).toBeLessThan(100);
  });
});
