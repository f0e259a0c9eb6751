import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../../helpers/clips.ts';
import { makeLongMp4 } from '../../helpers/long-mp4.ts';
import { setInBox } from '../../helpers/mp4-edit.ts';

/** A small file that once killed the process or ffmpeg, and its expected outcome. */
export interface MediaAttack {
  name: string;
  path: string;
  code: string;
  reason: RegExp;
}

const EIGHT_K = ['-f', 'lavfi', '-i', 'color=c=0x305080:s=7680x4320:r=25', '-frames:v', '2'];
const HDR = 'colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc';
const X265 = 'log-level=none:pools=1:frame-threads=1';

/** Clips whose pictures are within the default bounds but whose decoders take more than 1 GiB. */
export async function costlyClips(folder: string, ffmpeg: string): Promise<MediaAttack[]> {
  const clips = [
    {
      name: '8k-16-references.mp4',
      options: ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'ref=16:keyint=250:threads=1'],
      reason:
        /^decoding h264 yuv420p of 7680 x 4320 pixels with 16 reference frames needs \d{4} MiB of memory, but this instance has 1024 MiB$/,
    },
    {
      name: '8k-hdr.mp4',
      options: [
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-x265-params',
        `${X265}:${HDR}`,
        '-pix_fmt',
        'yuv420p10le',
      ],
      reason:
        /^decoding hevc yuv420p10le of 7680 x 4320 .* needs \d{4} MiB of memory, but this instance has 1024 MiB$/,
    },
    {
      name: '8k-444-12.mkv',
      options: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', X265, '-pix_fmt', 'yuv444p12le'],
      reason:
        /^decoding hevc yuv444p12le of 7680 x 4320 .* needs \d{4} MiB of memory, but this instance has 1024 MiB$/,
    },
  ];
  return Promise.all(
    clips.map(async ({ name, options, reason }) => {
      const path = join(folder, name);
      await runTool(ffmpeg, [...EIGHT_K, ...options, path]);
      return { name, path, code: 'too-costly', reason };
    }),
  );
}

/** Codecs that no camera writes, in each container that can name them. */
export async function strangeCodecs(folder: string, ffmpeg: string): Promise<MediaAttack[]> {
  const files = [
    'exr.mov',
    'exr.mkv',
    'tiff.mov',
    'dpx.avi',
    'snow.mov',
    'snow.avi',
    'snow.mkv',
    'zmbv.avi',
    'zmbv.mkv',
  ];
  return Promise.all(
    files.map(async (name) => {
      const codec = name.slice(0, name.indexOf('.'));
      const path = join(folder, name);
      const source = ['-f', 'lavfi', '-i', 'testsrc=s=160x90:r=25', '-frames:v', '3'];
      await runTool(ffmpeg, [...source, '-strict', '-2', '-c:v', codec, path]);
      return {
        name,
        path,
        code: 'unsupported-media',
        reason: new RegExp(`^video codec must be h264, .*, got ${codec}$`),
      };
    }),
  );
}

/** Indexes that no writer makes. */
export async function strangeIndexes(folder: string, ffmpeg: string): Promise<MediaAttack[]> {
  const manyTracks = join(folder, 'two-million-tracks.mp4');
  const tracks = Buffer.alloc(2_000_000 * 8, box('trak'));
  await writeFile(manyTracks, Buffer.concat([box('ftyp', Buffer.from('isom\0\0\0\0')), box('moov', tracks)]));

  const shortBox = join(folder, 'two-byte-mehd.mp4');
  const handler = box('hdlr', Buffer.from('\0\0\0\0\0\0\0\0vide'));
  const index = [
    box('mvhd', Buffer.alloc(100, 1)),
    box('trak', box('mdia', handler)),
    box('mvex', box('mehd', Buffer.alloc(2))),
  ];
  await writeFile(
    shortBox,
    Buffer.concat([box('ftyp', Buffer.from('isom\0\0\0\0')), box('moov', Buffer.concat(index))]),
  );

  const pattern = join(folder, 'pattern.mp4');
  const source = ['-f', 'lavfi', '-i', 'color=s=160x90:r=1000', '-frames:v', '250'];
  await runTool(ffmpeg, [...source, '-c:v', 'libx264', '-preset', 'ultrafast', pattern]);
  const oneKeyframe = join(folder, 'one-keyframe.mp4');
  await makeLongMp4({ pattern, path: oneKeyframe, repeats: 4_000, index: 'first', written: [0] });
  await writeFile(oneKeyframe, setInBox(await readFile(oneKeyframe), 'stss', 4, 1));
  return [
    {
      name: 'two-million-tracks.mp4',
      path: manyTracks,
      code: 'corrupt-media',
      reason: /a box of the mp4 index must have at most 1024 boxes, got 1025 or more/,
    },
    {
      name: 'two-byte-mehd.mp4',
      path: shortBox,
      code: 'unsupported-media',
      reason: /^no decoder for none video/,
    },
    {
      name: 'one-keyframe.mp4',
      path: oneKeyframe,
      code: 'too-costly',
      reason:
        /^a frame must need at most \d+ samples of 160 x 90 pixels since its keyframe, got \d+: no more can be decoded in 60 s$/,
    },
  ];
}

function box(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}
