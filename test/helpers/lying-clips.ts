import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CatalogueClip } from './clip-catalogue.ts';
import { steady } from './clip-catalogue.ts';
import { makeClip, runTool } from './clips.ts';
import { bodyOf } from './mp4-edit.ts';

/** Clips whose container states something false, or states it in a rare form. */

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20', '-pix_fmt', 'yuv420p'];
const X264_B = [...X264, '-bf', '3', '-x264-params', 'b-adapt=0:scenecut=0:b-pyramid=normal', '-g', '12'];
const X264_LONG = [...X264_B.slice(0, -1), '50'];
const FFV1 = ['-c:v', 'ffv1', '-g', '10'];
const LIVE = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof'];

type Edit = (bytes: Buffer) => Buffer;

interface LyingClip extends CatalogueClip {
  /** True if nothing in the file states its length; otherwise it ends with its last frame. */
  unknownLength?: boolean;
}

function clip(
  file: string,
  name: string,
  frames: number,
  options: readonly string[],
  edit: Edit = (bytes) => bytes,
  more: Partial<LyingClip> & { soundSeconds?: number } = {},
): LyingClip {
  const { soundSeconds, ...shown } = more;
  return {
    file,
    name,
    times: steady(frames, 25),
    ...shown,
    async make(path, binary) {
      await makeClip({ path, frames, rate: '25', options, ...(soundSeconds && { soundSeconds }) }, binary);
      await writeFile(path, edit(await readFile(path)));
    },
  };
}

/** Overwrites the first or every occurrence of these bytes with others of the same length. */
function overwrite(bytes: Buffer, found: Buffer | string, by: Buffer | string, all = false): Buffer {
  const edited = Buffer.from(bytes);
  const [from, to] = [Buffer.from(found as string, 'latin1'), Buffer.from(by as string, 'latin1')];
  if (from.length !== to.length) throw new Error(`${from.length} bytes cannot become ${to.length}`);
  let at = edited.indexOf(from);
  if (at < 0) throw new Error(`nothing to overwrite: ${from.toString('hex')}`);
  for (; at >= 0; at = all ? edited.indexOf(from, at + to.length) : -1) to.copy(edited, at);
  return edited;
}

/** Delays every fragment by this many ticks. */
function startAt(bytes: Buffer, ticks: number): Buffer {
  const edited = Buffer.from(bytes);
  for (let at = edited.indexOf('tfdt'); at >= 0; at = edited.indexOf('tfdt', at + 4)) {
    const body = at + 4;
    if (edited[body] === 1) {
      edited.writeBigUInt64BE(edited.readBigUInt64BE(body + 4) + BigInt(ticks), body + 4);
    } else edited.writeUInt32BE(edited.readUInt32BE(body + 4) + ticks, body + 4);
  }
  return edited;
}

/** `count` empty boxes. */
function freeBoxes(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => Buffer.from('\0\0\0\x08free', 'latin1')));
}

const withoutEdits: Edit = (bytes) => overwrite(bytes, 'edts', 'free');

/** All ones mean an unknown duration. */
const withoutDurations: Edit = (bytes) => {
  const edited = withoutEdits(bytes);
  for (const type of ['mvhd', 'mdhd']) edited.writeUInt32BE(0xffff_ffff, bodyOf(edited, type) + 16);
  return edited;
};

/** Sets both durations of a Matroska file of one track. */
export function stateDuration(bytes: Buffer, seconds: number): Buffer {
  const edited = Buffer.from(bytes);
  const info = edited.indexOf(Buffer.from('448988', 'hex'));
  if (info < 0) throw new Error('no Duration');
  edited.writeDoubleBE(seconds * 1_000, info + 3);
  const tag = edited.indexOf('DURATION');
  const text = edited.indexOf('00:00:', tag);
  if (tag >= 0 && text >= 0) edited.write(`00:00:${seconds.toFixed(9).padStart(12, '0')}`, text, 'latin1');
  return edited;
}

/** Halves the frame counts in an AVI's two headers. */
const halfCounted: Edit = (bytes) => {
  const edited = Buffer.from(bytes);
  for (const [header, at] of [
    ['avih', 4 + 4 + 16],
    ['strh', 4 + 4 + 32],
  ] as const) {
    const place = edited.indexOf(header) + at;
    edited.writeUInt32LE(Math.floor(edited.readUInt32LE(place) / 2), place);
  }
  return edited;
};

/** A rotation of 45 degrees in the track's matrix, which no player applies. */
const skewed: Edit = (bytes) => {
  const edited = Buffer.from(bytes);
  const matrix = bodyOf(edited, 'tkhd') + 40;
  const part = Math.round(Math.SQRT1_2 * 0x10000);
  for (const [index, value] of [part, part, 0, -part, part].entries()) {
    edited.writeInt32BE(value, matrix + index * 4);
  }
  return edited;
};

export const LYING_CLIPS: readonly LyingClip[] = [
  clip('ntsc-dv.mkv', '4:1:1', 30, [...FFV1, '-pix_fmt', 'yuv411p']),
  clip('svq.mkv', '4:1:0', 30, [...FFV1, '-pix_fmt', 'yuv410p']),
  clip(
    'live.mp4',
    'a recording of a live stream: fragments that start at hour 39',
    50,
    [...X264_B, ...LIVE],
    (bytes) => startAt(bytes, 12_800 * 3_600 * 39),
  ),
  clip('hybrid.mp4', 'an index that knows of the first fragment only', 100, [
    ...X264_LONG,
    ...['-movflags', 'frag_keyframe', '-frag_duration', '500000'],
  ]),
  {
    file: 'segments.mp4',
    name: 'fragments that begin between keyframes, each with a segment index',
    times: steady(150, 25),
    async make(path, binary) {
      const plain = join(path, '..', 'plain-for-segments.mp4');
      const options = [...X264_LONG, '-c:a', 'aac', '-b:a', '48k'];
      await makeClip({ path: plain, frames: 150, rate: '25', soundSeconds: 6, options }, binary);
      const how = ['-c', 'copy', '-movflags', 'dash', '-frag_duration', '900000'];
      await runTool(binary, ['-i', plain, ...how, path]);
    },
  },
  clip(
    'long-sound-plain.mp4',
    'long sound, and no edit list: the length is in an mdhd of 24 bytes',
    30,
    [...X264, '-bf', '0', '-g', '12', '-c:a', 'aac', '-b:a', '32k'],
    (bytes) => overwrite(bytes, 'edts', 'free', true),
    { soundSeconds: 6 },
  ),
  clip('unknown.mp4', 'durations of all ones', 30, [...X264, '-bf', '0', '-g', '12'], withoutDurations),
  {
    file: 'sync.mkv',
    name: 'Matroska by mkvmerge: a clock that starts at 2.5 s, and durations that are lengths',
    times: steady(40, 25),
    async make(path, binary) {
      const plain = join(path, '..', 'plain-for-sync.mkv');
      await makeClip({ path: plain, frames: 40, rate: '25', options: X264_B }, binary);
      await runTool(binary, ['-i', plain, '-c', 'copy', '-output_ts_offset', '2.5', path]);
      const bytes = overwrite(await readFile(path), 'Lavf', 'libe', true);
      await writeFile(path, stateDuration(bytes, 1.6));
    },
  },
  clip('short.mkv', 'Matroska that claims 0.1 s', 50, X264_B, (bytes) => stateDuration(bytes, 0.1), {
    unknownLength: true,
  }),
  clip(
    'half.avi',
    'AVI whose headers count half of the frames',
    50,
    ['-c:v', 'mpeg4', '-q:v', '3', '-g', '12'],
    halfCounted,
  ),
  clip('boxes.mp4', '1,000 boxes before the index', 30, X264_B, (bytes) => {
    const index = bodyOf(bytes, 'moov') - 8;
    return Buffer.concat([bytes.subarray(0, index), freeBoxes(1_000), bytes.subarray(index)]);
  }),
  clip(
    'long-mdat.mp4',
    'sample data that claim 8 bytes too many',
    30,
    [...X264_B, '-movflags', '+faststart'],
    (bytes) => {
      const edited = Buffer.from(bytes);
      const size = bodyOf(edited, 'mdat') - 8;
      edited.writeUInt32BE(edited.readUInt32BE(size) + 8, size);
      return edited;
    },
  ),
  clip('skewed.mp4', 'a matrix that turns by 45 degrees', 30, X264_B, skewed),
  {
    file: 'x264-148.mp4',
    name: '4:4:4 by an x264 that coded it against the standard',
    times: steady(45, 25),
    make: async (path) => writeFile(path, await readFile(FIXTURE)),
  },
  {
    file: 'x264-148-unnamed.mp4',
    name: 'the same, with its note spelled as only ffmpeg reads it',
    times: steady(45, 25),
    make: async (path) => writeFile(path, overwrite(await readFile(FIXTURE), 'x264 - core', 'x264\t-\tcore')),
  },
];

/** 45 numbered frames of yuv444p with 8x8 transforms, by x264 core 148 of 2016. */
const FIXTURE = fileURLToPath(new URL('../fixtures/x264-148-yuv444.mp4', import.meta.url));
