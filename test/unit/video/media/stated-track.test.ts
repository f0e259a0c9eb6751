import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { child } from '../../../../functions/video/media/box-tree.ts';
import { statedReferences } from '../../../../functions/video/media/parameter-sets.ts';
import { parsing } from '../../../../functions/video/media/parsing.ts';
import { readStated, type StatedTrack } from '../../../../functions/video/media/stated-track.ts';
import { BlockCache } from '../../../../shared/storage/block-cache.ts';
import { runTool } from '../../../helpers/clips.ts';
import { anyFfmpeg } from '../../../helpers/event-clips.ts';
import { FULL } from '../../../helpers/full-form.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stated-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function stated(name: string, options: readonly string[]): Promise<StatedTrack | undefined> {
  const path = join(folder, name);
  await runTool(anyFfmpeg(), [
    '-f',
    'lavfi',
    '-i',
    'testsrc=s=160x96:r=25',
    '-frames:v',
    '50',
    ...options,
    path,
  ]);
  return read(await readFile(path), name.endsWith('mp4') ? 'mp4' : name.endsWith('avi') ? 'avi' : 'matroska');
}

function read(bytes: Uint8Array, container: 'mp4' | 'matroska' | 'avi'): Promise<StatedTrack | undefined> {
  const slice = async (offset: number, length: number): Promise<Uint8Array> =>
    bytes.subarray(offset, offset + length);
  return readStated(container, new BlockCache({ size: bytes.length, read: slice }));
}

const x264 = (params: string): string[] => [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-x264-params',
  params,
];

describe('reference frames', () => {
  test.each([
    ['mp4', 16],
    ['mkv', 5],
  ])('of H.264 are read from the sequence parameter set in %s', async (extension, references) => {
    const track = await stated(`avc.${extension}`, x264(`ref=${references}:bframes=0`));
    expect(statedReferences('h264', track!.decoderConfig!)).toBe(references);
  });

  test.runIf(FULL)('of H.264 with other profiles, too: 4:4:4, interlaced, scaling lists', async () => {
    const track = await stated('high.mkv', [
      ...x264('ref=4:bframes=0:interlaced=1:cqm=jvt'),
      '-pix_fmt',
      'yuv444p',
    ]);
    expect(statedReferences('h264', track!.decoderConfig!)).toBe(4);
  });

  test.each(FULL ? ['mp4', 'mkv'] : ['mkv'])(
    'of HEVC are read from its buffering parameters in %s',
    async (extension) => {
      const options = [
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-x265-params',
        'log-level=none:ref=3:bframes=0',
      ];
      const track = await stated(`hevc.${extension}`, options);
      const references = statedReferences('hevc', track!.decoderConfig!);
      expect(references).toBeGreaterThanOrEqual(3);
      expect(references).toBeLessThanOrEqual(6);
    },
  );

  test('of a damaged set are unknown', () => {
    expect(statedReferences('h264', Buffer.from('0142c01effe10002', 'hex'))).toBeUndefined();
    expect(statedReferences('hevc', new Uint8Array(23))).toBeUndefined();
  });
});

describe('samples from one keyframe to the next', () => {
  const rate = ['-g', '20', '-keyint_min', '20'];
  test('are counted in the tables of an mp4 and an AVI', async () => {
    const quiet = x264('scenecut=0:bframes=0');
    expect((await stated('group.mp4', [...quiet, ...rate]))?.longestGroup).toBe(20);
    expect((await stated('group.avi', [...quiet, ...rate]))?.longestGroup).toBe(20);
    expect((await stated('one.avi', ['-c:v', 'mpeg4', '-g', '600']))?.longestGroup).toBe(50);
  });

  test('are stated in seconds by the cues of Matroska', async () => {
    const options = [
      '-c:v',
      'libvpx',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
      '-g',
      '20',
      '-keyint_min',
      '20',
    ];
    expect((await stated('group.webm', options))?.keyframeGap).toBeCloseTo(0.8, 2);
  });
});

describe('indexes that no writer makes', () => {
  const box = (type: string, body: Buffer = Buffer.alloc(0)): Buffer => {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(8 + body.length);
    header.write(type, 4, 'latin1');
    return Buffer.concat([header, body]);
  };

  test('two million empty tracks are refused at the 1,025th', async () => {
    const moov = box('moov', Buffer.alloc(2_000_000 * 8, box('trak')));
    await expect(read(Buffer.concat([box('ftyp'), moov]), 'mp4')).rejects.toMatchObject({
      code: 'corrupt-media',
      message: 'a box of the mp4 index must have at most 1024 boxes, got 1025 or more',
    });
  });

  test('the same in an index too large to be read at once', async () => {
    const moov = box('moov', Buffer.alloc(3_000_000 * 8, box('trak')));
    await expect(read(Buffer.concat([box('ftyp'), moov]), 'mp4')).rejects.toMatchObject({
      code: 'corrupt-media',
      message: expect.stringContaining('at most 1024 boxes'),
    });
  });

  test('a box is found without reading those behind it', () => {
    const bytes = Buffer.concat([box('mdia'), Buffer.alloc(8_000_000, box('free'))]);
    expect(child(bytes, 'mdia')).toHaveLength(0);
  });

  test('a mehd of two bytes states nothing', async () => {
    const track = box('trak', box('mdia', box('hdlr', Buffer.from('\0\0\0\0\0\0\0\0vide'))));
    const whole = [box('mvhd', Buffer.alloc(100, 1)), track, box('mvex', box('mehd', Buffer.alloc(2)))];
    const file = Buffer.concat([box('ftyp'), box('moov', Buffer.concat(whole))]);
    expect(await read(file, 'mp4')).toMatchObject({ seconds: undefined });
  });

  test('a read past the end is the file’s fault, every other failure is not', () => {
    const view = new DataView(new ArrayBuffer(2));
    expect(() => parsing('index', () => view.getUint32(0))).toThrow(
      expect.objectContaining({ code: 'corrupt-media' }),
    );
    expect(() =>
      parsing('index', () => {
        throw new TypeError('ours');
      }),
    ).toThrow(TypeError);
  });
});
