import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClipSpec, makeClip, runTool } from './clips.ts';

/** One kind of video, and what a player shows of it. */
export interface CatalogueClip {
  name: string;
  file: string;
  /** Makes the clip; tries encoders in order and uses the first that works. */
  make(path: string, binary: string): Promise<void>;
  /** Seconds at which each displayed frame starts, from the first of them. */
  times: number[];
  /** Number in the first displayed frame. Default 0. */
  firstNumber?: number;
  /** Pixels as displayed. Default 160 x 90. */
  width?: number;
  height?: number;
  rotation?: number;
  hdr?: boolean;
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20', '-pix_fmt', 'yuv420p'];
/** Reordered frames, with keyframes only at the interval of `-g`. */
const X264_B = [...X264, '-bf', '3', '-x264-params', 'b-adapt=0:scenecut=0:b-pyramid=normal'];
const X265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '600k'];
const AV1 = [
  ['-c:v', 'libsvtav1', '-preset', '12', '-crf', '30', '-pix_fmt', 'yuv420p'],
  ['-c:v', 'libaom-av1', '-cpu-used', '8', '-b:v', '400k', '-strict', 'experimental'],
];
const MJPEG = ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'];

/** Times of `count` frames at num/den per second, rounded to the container's tick if given. */
export function steady(count: number, num: number, den = 1, tick?: number): number[] {
  return Array.from({ length: count }, (_, frame) => {
    const time = (frame * den) / num;
    return tick === undefined ? time : Math.round((frame * den) / (num * tick)) * tick;
  });
}

function clip(
  file: string,
  name: string,
  spec: Omit<ClipSpec, 'path'>,
  shown: Partial<CatalogueClip> & Pick<CatalogueClip, 'times'>,
  otherOptions: readonly (readonly string[])[] = [],
): CatalogueClip {
  return {
    file,
    name,
    ...shown,
    async make(path, binary) {
      let failure: unknown;
      for (const options of [spec.options, ...otherOptions]) {
        try {
          await makeClip({ ...spec, options, path }, binary);
          return;
        } catch (error) {
          failure ??= error;
        }
      }
      throw failure;
    },
  };
}

/** Rotated before coding, with metadata that rotates it back. */
function rotated(degrees: 90 | 180 | 270, file: string): CatalogueClip {
  const turn = { 90: 'transpose=cclock', 180: 'hflip,vflip', 270: 'transpose=clock' }[degrees];
  const [width, height] = degrees === 180 ? [160, 90] : [90, 160];
  return {
    file,
    name: `rotated by ${degrees}`,
    rotation: degrees,
    width,
    height,
    times: steady(30, 25),
    async make(path, binary) {
      const options = [...X264_B, '-g', '12'];
      await makeClip({ path, frames: 30, rate: '25', width, height, filters: turn, options }, binary);
      await rotateTrack(path, degrees);
    },
  };
}

/** Writes the matrix of a clockwise turn into the video track's header. */
async function rotateTrack(path: string, degrees: 90 | 180 | 270): Promise<void> {
  const bytes = await readFile(path);
  const [a, b] = { 90: [0, 1], 180: [-1, 0], 270: [0, -1] }[degrees] as [number, number];
  const matrix = bytes.indexOf('tkhd') + 4 + 40;
  for (const [index, value] of [a, b, 0, -b, a, 0, 0, 0].entries()) {
    bytes.writeInt32BE(value * 0x10000, matrix + index * 4);
  }
  bytes.writeInt32BE(0x40000000, matrix + 32);
  await writeFile(path, bytes);
}

/** Delays the start of the only edit by this many ticks of the track. */
async function editStart(path: string, ticks: number, movieTicks: number): Promise<void> {
  const bytes = await readFile(path);
  const entry = bytes.indexOf('elst') + 4 + 8;
  bytes.writeUInt32BE(bytes.readUInt32BE(entry) - movieTicks, entry);
  bytes.writeInt32BE(bytes.readInt32BE(entry + 4) + ticks, entry + 4);
  await writeFile(path, bytes);
}

/** One clip of each kind, one or two seconds long. */
export const CATALOGUE: readonly CatalogueClip[] = [
  clip(
    'index-last.mp4',
    'h264 with reordered frames, mp4, index last',
    { frames: 50, rate: '25', options: [...X264_B, '-g', '12'] },
    { times: steady(50, 25) },
  ),
  clip(
    'index-first.mp4',
    'mp4, index first, 29.97 frames a second',
    { frames: 60, rate: '30000/1001', options: [...X264_B, '-g', '15', '-movflags', '+faststart'] },
    { times: steady(60, 30_000, 1_001) },
  ),
  clip(
    'fragmented.mp4',
    'fragmented mp4',
    { frames: 50, rate: '25', options: [...X264_B, '-g', '10', '-movflags', 'frag_keyframe+empty_moov'] },
    { times: steady(50, 25) },
  ),
  clip(
    'qt.mov',
    'mov at 12.5 frames a second',
    { frames: 30, rate: '25/2', options: [...X264_B, '-g', '8'] },
    { times: steady(30, 25, 2) },
  ),
  clip(
    'ms.mkv',
    'Matroska at 29.97: timestamps in whole milliseconds',
    { frames: 60, rate: '30000/1001', options: [...X264_B, '-g', '15'] },
    { times: steady(60, 30_000, 1_001, 0.001) },
  ),
  clip(
    'vp9.webm',
    'vp9 in WebM',
    { frames: 50, rate: '25', options: [...VP9, '-g', '12'] },
    { times: steady(50, 25) },
  ),
  clip(
    'still-ref.avi',
    'mpeg4 in AVI',
    { frames: 50, rate: '25', options: ['-c:v', 'mpeg4', '-q:v', '3', '-g', '12'] },
    { times: steady(50, 25) },
  ),
  clip(
    'reordered.avi',
    'mpeg4 with reordered frames in AVI',
    { frames: 50, rate: '25', options: ['-c:v', 'mpeg4', '-q:v', '3', '-g', '12', '-bf', '2'] },
    { times: steady(50, 25) },
  ),
  clip(
    'h264.avi',
    'h264 in AVI',
    { frames: 50, rate: '25', options: [...X264, '-bf', '0', '-g', '12'] },
    { times: steady(50, 25) },
  ),
  clip(
    'hevc.mp4',
    'hevc',
    { frames: 40, rate: '25', options: [...X265, '-x265-params', 'log-level=none:keyint=12:bframes=3'] },
    { times: steady(40, 25) },
  ),
  clip(
    'av1.mp4',
    'av1',
    { frames: 25, rate: '25', options: [...AV1[0]!, '-g', '10'] },
    { times: steady(25, 25) },
    [[...AV1[1]!, '-g', '10']],
  ),
  clip('mjpeg.mov', 'mjpeg in mov', { frames: 25, rate: '25', options: MJPEG }, { times: steady(25, 25) }),
  clip('mjpeg.avi', 'mjpeg in AVI', { frames: 25, rate: '25', options: MJPEG }, { times: steady(25, 25) }),
  clip(
    'variable.mp4',
    'variable frame rate, one frame held for two seconds',
    {
      frames: 30,
      rate: '100',
      // From frame 10 on, everything is two seconds later; before, intervals alternate between 3 and 7 hundredths.
      filters: "setpts='(floor(N/2)*10+mod(N,2)*3+gte(N,10)*200)/(100*TB)'",
      options: [...X264, '-bf', '0', '-g', '20', '-vsync', '0'],
    },
    {
      times: Array.from(
        { length: 30 },
        (_, n) => (Math.floor(n / 2) * 10 + (n % 2) * 3 + (n >= 10 ? 200 : 0)) / 100,
      ),
    },
  ),
  {
    file: 'edited.mp4',
    name: 'an edit list that cuts off the first seven frames',
    times: steady(43, 25),
    firstNumber: 7,
    async make(path, binary) {
      const options = [...X264_B, '-g', '12', '-video_track_timescale', '12800'];
      await makeClip({ path, frames: 50, rate: '25', options }, binary);
      await editStart(path, 7 * 512, 7 * 40);
    },
  },
  clip(
    'late.mp4',
    'sound first, the picture 0.7 s later (an empty edit)',
    {
      frames: 40,
      rate: '25',
      inputOptions: ['-itsoffset', '0.7'],
      soundSeconds: 2.5,
      options: [...X264_B, '-g', '12', '-c:a', 'aac', '-b:a', '32k', '-map', '0:v', '-map', '1:a'],
    },
    { times: steady(40, 25) },
  ),
  {
    file: 'offset.mkv',
    name: 'Matroska whose clock starts at 5 s',
    times: steady(40, 25),
    async make(path, binary) {
      const plain = join(path, '..', 'plain-for-offset.mkv');
      await makeClip({ path: plain, frames: 40, rate: '25', options: [...X264_B, '-g', '12'] }, binary);
      await runTool(binary, ['-i', plain, '-c', 'copy', '-output_ts_offset', '5', path]);
    },
  },
  clip(
    'long-gop.mp4',
    'one keyframe in eight seconds',
    { frames: 200, rate: '25', options: [...X264_B, '-g', '500', '-keyint_min', '500'] },
    { times: steady(200, 25) },
  ),
  rotated(90, 'turned-90.mp4'),
  rotated(180, 'turned-180.mp4'),
  rotated(270, 'turned-270.mov'),
  clip(
    'anamorphic.mp4',
    'non-square pixels',
    {
      frames: 30,
      rate: '25',
      width: 240,
      filters: 'scale=180:90,setsar=4/3',
      options: [...X264_B, '-g', '12'],
    },
    { times: steady(30, 25), width: 240 },
  ),
  clip(
    'hdr.mp4',
    '10-bit HDR (PQ)',
    {
      frames: 30,
      rate: '25',
      options: [
        ...['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p10le'],
        ...['-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc'],
        '-x265-params',
        'log-level=none:keyint=12:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc',
      ],
    },
    { times: steady(30, 25), hdr: true },
  ),
  clip(
    'odd.webm',
    'odd width and height',
    { frames: 30, rate: '25', width: 161, height: 91, options: [...VP9, '-g', '12'] },
    { times: steady(30, 25), width: 161, height: 91 },
  ),
  clip('single.mp4', 'a single frame', { frames: 1, rate: '25', options: X264 }, { times: [0] }),
  clip(
    'short.mp4',
    'under half a second',
    { frames: 8, rate: '25', options: [...X264_B, '-g', '12'] },
    { times: steady(8, 25) },
  ),
  clip(
    'long-sound.mp4',
    'sound longer than the picture, mp4',
    {
      frames: 30,
      rate: '25',
      soundSeconds: 4,
      options: [...X264_B, '-g', '12', '-c:a', 'aac', '-b:a', '32k'],
    },
    { times: steady(30, 25) },
  ),
  clip(
    'long-sound.mkv',
    'sound longer than the picture, Matroska',
    {
      frames: 30,
      rate: '25',
      soundSeconds: 4,
      // Sound without priming samples: those of AAC would shift the picture.
      options: [...X264_B, '-g', '12', '-c:a', 'pcm_s16le'],
    },
    { times: steady(30, 25) },
  ),
  clip(
    'long-sound.avi',
    'sound longer than the picture, AVI',
    {
      frames: 30,
      rate: '25',
      soundSeconds: 4,
      options: ['-c:v', 'mpeg4', '-q:v', '3', '-g', '12', '-c:a', 'pcm_s16le'],
    },
    { times: steady(30, 25) },
  ),
  clip(
    'open-gop.mp4',
    'h264 with open groups of pictures',
    {
      frames: 50,
      rate: '25',
      options: [...X264, '-x264-params', 'open-gop=1:bframes=3:b-adapt=0:scenecut=0:keyint=10:min-keyint=10'],
    },
    { times: steady(50, 25) },
  ),
  clip(
    'live.webm',
    'WebM as a browser records it: no index, no duration',
    { frames: 50, rate: '25', options: [...VP9, '-g', '12', '-live', '1', '-f', 'webm'] },
    { times: steady(50, 25) },
  ),
  clip(
    'b-frames-h264.avi',
    'h264 with reordered frames in AVI',
    { frames: 50, rate: '25', options: [...X264_B, '-g', '12'] },
    { times: steady(50, 25) },
  ),
  clip(
    'fields.mp4',
    'interlaced h264',
    {
      frames: 50,
      rate: '25',
      height: 96,
      options: [...X264_B, '-g', '12', '-flags', '+ilme+ildct'],
    },
    { times: steady(50, 25), height: 96 },
  ),
];
