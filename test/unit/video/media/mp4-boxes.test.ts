import { describe, expect, test } from 'vitest';
import { readMp4Layout, readVideoTrack } from '../../../../functions/video/media/mp4-boxes.ts';
import { aviVideoSeconds, statedEnd } from '../../../../functions/video/media/stated-facts.ts';
import { BlockCache } from '../../../../shared/storage/block-cache.ts';

function box(type: string, ...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

/** 32-bit numbers, big-endian. */
function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value | 0, index * 4);
  return bytes;
}

const timing = (type: string, scale: number, duration: number): Buffer =>
  box(type, words(0, 0, 0, scale, duration, 0, 0, 0));

function track(handler: string, scale: number, duration: number, ...edits: number[][]): Buffer {
  const list = box('elst', words(0, edits.length), ...edits.map((edit) => words(...edit, 0x10000)));
  return box(
    'trak',
    ...(edits.length > 0 ? [box('edts', list)] : []),
    box(
      'mdia',
      timing('mdhd', scale, duration),
      box('hdlr', words(0, 0), Buffer.from(handler), words(0, 0, 0)),
    ),
  );
}

/** Body of a moov. */
const index = (...parts: Buffer[]): Buffer => Buffer.concat([timing('mvhd', 1_000, 99_000), ...parts]);

describe('seconds of the video track', () => {
  test('are its own, not those of the sound or of the movie', () => {
    const moov = index(track('soun', 48_000, 48_000 * 60), track('vide', 30_000, 30_030));
    expect(readVideoTrack(moov)?.seconds).toBeCloseTo(1.001, 9);
  });

  test('are those of its edit list: an empty edit at the start shows nothing', () => {
    const moov = index(track('vide', 12_800, 128_000, [700, -1], [4_000, 1_024]));
    expect(readVideoTrack(moov)?.seconds).toBe(4);
  });

  test('in a fragmented file are those of the extends header', () => {
    const extend = box('mvex', box('mehd', words(0, 8_500)));
    expect(readVideoTrack(index(track('vide', 12_800, 0), extend))?.seconds).toBe(8.5);
    expect(readVideoTrack(index(track('vide', 12_800, 0)))?.seconds).toBeUndefined();
  });

  test('are unknown if there is no video track or the index is invalid', () => {
    expect(readVideoTrack(index(track('soun', 48_000, 480)))?.seconds).toBeUndefined();
    expect(readVideoTrack(Buffer.from('nonsense nonsense nonsense'))).toBeUndefined();
  });
});

describe('the layout', () => {
  function cacheOf(bytes: Buffer): BlockCache {
    return new BlockCache({
      size: bytes.length,
      read: async (offset, length) => bytes.subarray(offset, offset + length),
    });
  }
  const ftyp = box('ftyp', Buffer.from('isom'), words(0));

  test('the index may come last, after sample data with a 64-bit size', async () => {
    const mdat = Buffer.concat([words(1), Buffer.from('mdat'), words(0, 116), Buffer.alloc(100)]);
    const moov = box('moov', index());
    expect(await readMp4Layout(cacheOf(Buffer.concat([ftyp, mdat, moov])))).toEqual({
      moov: { offset: 16 + 116, size: moov.length },
      firstFragment: undefined,
      segmentIndexes: false,
    });
  });

  test('a fragment ends the walk', async () => {
    const parts = [
      ftyp,
      box('moov', index()),
      box('moof', words(0)),
      Buffer.from('what follows is not read'),
    ];
    expect(await readMp4Layout(cacheOf(Buffer.concat(parts)))).toMatchObject({
      firstFragment: { offset: parts[0]!.length + parts[1]!.length, size: 12 },
    });
  });

  test('sample data up to the end of the file, and no index: never finished', async () => {
    const open = Buffer.concat([ftyp, words(0), Buffer.from('mdat'), Buffer.alloc(50)]);
    await expect(readMp4Layout(cacheOf(open))).rejects.toMatchObject({
      code: 'corrupt-media',
      message: expect.stringContaining('no index'),
    });
  });

  test('a box that runs past the end: both ends are named', async () => {
    const cut = Buffer.concat([ftyp, box('moov', index()), box('mdat', Buffer.alloc(500))]).subarray(0, -100);
    await expect(readMp4Layout(cacheOf(cut))).rejects.toMatchObject({
      code: 'corrupt-media',
      message: `the file is cut off: its mdat box ends at byte ${cut.length + 100}, the object at ${cut.length}`,
    });
  });

  test('trailing bytes that a recorder leaves after the last box do not matter', async () => {
    const tail = Buffer.concat([ftyp, box('moov', index()), Buffer.alloc(20)]);
    expect(await readMp4Layout(cacheOf(tail))).toMatchObject({ moov: { offset: ftyp.length } });
  });
});

describe('end of other containers according to their headers', () => {
  const ebml = (size: number[]): Buffer =>
    Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 0x83, 0x42, 0x86, 0x81, 0x18, 0x53, 0x80, 0x67, ...size]);

  test.each([
    ['AVI', 'avi', Buffer.from('RIFF\x10\x27\0\0AVI ', 'latin1'), 10_008],
    ['AVI from a writer that could not go back', 'avi', Buffer.from('RIFF\0\0\0\0AVI ', 'latin1'), undefined],
    ['Matroska, one byte of size', 'matroska', ebml([0x90]), 13 + 16],
    ['Matroska, eight bytes', 'matroska', ebml([0x01, 0, 0, 0, 0, 0, 1, 0]), 20 + 256],
    ['Matroska of unknown size', 'matroska', ebml([0x01, 255, 255, 255, 255, 255, 255, 255]), undefined],
    ['Matroska that breaks off', 'matroska', ebml([]), undefined],
  ] as const)('%s', (_, container, head, end) => {
    expect(statedEnd(container, head)).toBe(end);
  });
});

describe('seconds of an AVI’s video stream, by its header', () => {
  const header = Buffer.alloc(48);
  header.write('strh', 0, 'latin1');
  header.writeUInt32LE(56, 4);
  header.write('vidsMJPG', 8, 'latin1');
  header.writeUInt32LE(2, 28);
  header.writeUInt32LE(25, 32);
  header.writeUInt32LE(50, 40);

  test('50 frames of 2/25 s are 4 s', () => {
    expect(aviVideoSeconds(Buffer.concat([Buffer.from('RIFF....AVI LIST'), header]))).toBe(4);
  });

  test('are unknown without such a header, or if it is truncated', () => {
    expect(aviVideoSeconds(Buffer.from('RIFF....AVI LIST....vids'))).toBeUndefined();
    expect(aviVideoSeconds(header.subarray(0, 40))).toBeUndefined();
  });
});
