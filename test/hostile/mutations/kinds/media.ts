import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { statedReferences } from '../../../../functions/video/media/parameter-sets.ts';
import { pictureOf } from '../../../../functions/video/media/picture.ts';
import { ProbeLog, shownFrame } from '../../../../functions/video/media/probe-video.ts';
import { sniffContainer } from '../../../../functions/video/media/sniff-container.ts';
import { readStated } from '../../../../functions/video/media/stated-track.ts';
import { isRefusal } from '../../../../shared/core/errors.ts';
import { BlockCache } from '../../../../shared/storage/block-cache.ts';
import { anyFfmpeg } from '../../../helpers/event-clips.ts';
import { type MutationKind, mutantsOf, sometimesAsIs } from '../kind.ts';

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '4'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=0.4', '-c:a', 'pcm_s16le'];

/** Indexes of mp4: plain, fragmented, with the index first. */
export const mp4 = containerKind(
  [
    ['plain.mp4', X264],
    ['fragmented.mp4', [...X264, '-movflags', 'frag_keyframe+empty_moov']],
    ['first.mov', [...SOUND, ...X264, '-movflags', '+faststart']],
  ],
  [
    'moov',
    'trak',
    'mdia',
    'mdhd',
    'stbl',
    'stss',
    'stsz',
    'mvex',
    'mehd',
    'avcC',
    '\0\0\0\x08trak',
    '\0\0\0\x01moov',
  ],
);

/** Heads, tracks and cues of Matroska. */
export const matroska = containerKind(
  [
    ['plain.mkv', X264],
    ['sound.mkv', [...SOUND, ...X264]],
    ['front.mkv', [...X264, '-reserve_index_space', '400']],
  ],
  [
    'webm',
    '\x1a\x45\xdf\xa3',
    '\x18\x53\x80\x67\xff',
    '\x16\x54\xae\x6b',
    '\x1c\x53\xbb\x6b',
    '\xbb\x80',
    '\x63\xa2',
  ],
);

/** Headers and indexes of AVI. */
export const avi = containerKind(
  [
    ['plain.avi', X264],
    ['sound.avi', [...SOUND, '-c:v', 'mjpeg']],
  ],
  ['RIFF', 'AVI ', 'LIST', 'movi', 'idx1', '00dc', 'strh', 'vids'],
);

/** ffmpeg's log about a file, which contains text from the file. */
export const ffmpegLog: MutationKind = {
  async open() {
    const seeds = await withClip(['plain.mkv', X264], async (path) => {
      const shown = ['-hide_banner', '-nostdin', '-i', path, '-vf', 'showinfo', '-f', 'null', '-'];
      return [Buffer.from((await promisify(execFile)(anyFfmpeg(), shown)).stderr)];
    });
    const tokens = [
      'Stream #0:0: Video: ',
      'Duration: ',
      '[Parsed_showinfo_0 @ 0x1] n:   0 pts: ',
      ' fmt:yuv420p ',
      ' s:9x9 ',
    ];
    return {
      make: sometimesAsIs(seeds, mutantsOf(seeds, tokens)),
      read(input) {
        const log = new ProbeLog();
        for (const line of Buffer.from(input)
          .toString('utf8')
          .split(/[\r\n]+/)) {
          shownFrame(line.slice(0, 1_000));
          if (log.line(line.slice(0, 1_000)) === 'enough') break;
        }
        const probed = log.result();
        if (probed) pictureOf(probed);
        return probed ? 'read' : 'refused';
      },
    };
  },
};

function containerKind(clips: readonly Clip[], tokens: readonly string[]): MutationKind {
  return {
    async open() {
      const seeds: Buffer[] = [];
      for (const clip of clips) seeds.push(await withClip(clip, (path) => readFile(path)));
      return { make: sometimesAsIs(seeds, mutantsOf(seeds, tokens)), read };
    },
  };
}

async function read(bytes: Uint8Array): Promise<'read' | 'refused'> {
  const sniffed = sniffContainer(bytes);
  if (sniffed.kind === 'other') return 'refused';
  const cache = new BlockCache({
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  });
  try {
    const track = await readStated(sniffed.container, cache);
    track?.samples?.range(0.1, 0.3, 4);
    const config = track?.decoderConfig;
    if (config) for (const codec of ['h264', 'hevc']) statedReferences(codec, config);
    return 'read';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return 'refused';
  }
}

type Clip = readonly [name: string, options: readonly string[]];

async function withClip<T>([name, options]: Clip, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mutation-clip-'));
  try {
    const path = join(folder, name);
    const source = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=s=64x48:r=25:d=0.4'];
    await promisify(execFile)(anyFfmpeg(), [...source, ...options, path]);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
