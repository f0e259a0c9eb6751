import { AUDIO_CODECS, CODECS } from './codecs.ts';
import type { FfmpegBinary } from './ffmpeg.ts';

/** Input options: the same for every command on a file. */
export interface InputPlan {
  url: string;
  /** Chosen by us from the first bytes, never guessed by ffmpeg. */
  demuxer: 'mov' | 'matroska' | 'avi';
  /** Coded pixels of one picture; a decoder that needs more gives up before it allocates. */
  maxPixels: number;
  threads: number;
  /** True if ffmpeg rotates pictures by their matrix. Default true. */
  upright?: boolean;
  /** Options of the decoder, for facts it would otherwise learn from the first frame only. */
  decoderOptions?: readonly string[];
}

const MAX_ALLOC_BYTES = 256 * 1024 * 1024;

/** Facts about the file and its first frame, on stderr. */
export async function probeArguments(input: InputPlan, binary: FfmpegBinary): Promise<string[]> {
  return build(input, undefined, ['showinfo'], [...oneForOne(binary), '-frames:v', '1', '-f', 'null'], '-');
}

export interface DecodePlan {
  /** Seconds on the container's own clock; decoding starts at the last keyframe of the index before it. */
  seek: number | undefined;
  /** First and last timestamp to write out; every timestamp up to the last is logged. */
  lo: number;
  hi: number | undefined;
  /** Filters from a decoded picture to the output. */
  filters: string[];
  pixelFormat: 'rgb24' | 'rgb48le';
}

/** Raw frames on stdout, and on stderr the timestamp of every decoded frame. */
export async function decodeArguments(
  input: InputPlan,
  plan: DecodePlan,
  binary: FfmpegBinary,
): Promise<string[]> {
  const end = plan.hi === undefined ? [] : [`trim=end_pts=${plan.hi + 1}`];
  // showinfo sums up every pixel it is shown: a few are enough for the timestamp. `exact`, because rounding to whole
  // samples of chroma would leave nothing of a narrow picture, or of 4:1:1.
  const logged =
    'split[pictures][stamps];[stamps]crop=w=min(iw\\,8):h=min(ih\\,8):x=0:y=0:exact=1,showinfo,nullsink';
  const written = [`[pictures]trim=start_pts=${plan.lo}`, ...plan.filters, `format=${plan.pixelFormat}`];
  const graph = `${[...end, logged].join(',')};${written.join(',')}`;
  return build(input, plan.seek, [graph], [...oneForOne(binary), '-f', 'rawvideo'], 'pipe:1');
}

export interface ClipPlan extends Omit<DecodePlan, 'pixelFormat' | 'hi'> {
  hi: number;
  /** Start and end on the container's clock, in seconds. */
  from: number;
  to: number;
  hasAudio: boolean;
}

/** A fragmented mp4 on stdout, since a pipe cannot be rewound, and on stderr the timestamp of each of its frames. */
export async function clipArguments(
  input: InputPlan,
  plan: ClipPlan,
  binary: FfmpegBinary,
): Promise<string[]> {
  const pictures = [
    `[0:V:0]trim=start_pts=${plan.lo}:end_pts=${plan.hi + 1}`,
    'split[pictures][stamps];[stamps]crop=w=min(iw\\,8):h=min(ih\\,8):x=0:y=0:exact=1,showinfo,nullsink',
  ].join(',');
  const encoded = [`[pictures]setpts=PTS-${plan.lo}`, ...plan.filters, 'setsar=1', 'format=yuv420p[v]'];
  const [from, to] = [plan.from.toFixed(6), plan.to.toFixed(6)];
  const sound = `[0:a:0]atrim=start=${from}:end=${to},asetpts=PTS-${from}/TB,aresample=async=1:first_pts=0[a]`;
  const graph = [pictures, encoded.join(','), ...(plan.hasAudio ? [sound] : [])].join(';');
  const { default: ffmpeg } = await import('fluent-ffmpeg');
  const command = ffmpeg({ source: input.url })
    .inputOptions(inputOptions(input, plan.seek, plan.hasAudio ? [...CODECS, ...AUDIO_CODECS] : CODECS))
    .outputOptions([
      ...['-filter_complex', graph, '-map', '[v]', ...(plan.hasAudio ? ['-map', '[a]'] : [])],
      ...['-sn', '-dn', ...oneForOne(binary), '-map_metadata', '-1', '-threads', '1'],
      ...[
        '-c:v',
        'libx264',
        '-preset',
        'veryfast',
        '-crf',
        '23',
        '-bf',
        '0',
        '-maxrate',
        '8M',
        '-bufsize',
        '8M',
      ],
      ...(plan.hasAudio ? ['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-strict', '-2'] : ['-an']),
      ...['-movflags', 'frag_keyframe+delay_moov+default_base_moof', '-f', 'mp4'],
    ])
    .output('pipe:1');
  return command._getArguments();
}

/** No frame doubled or dropped for a constant rate. */
function oneForOne(binary: FfmpegBinary): string[] {
  return binary.hasFpsMode ? ['-fps_mode', 'passthrough'] : ['-vsync', '0'];
}

async function build(
  input: InputPlan,
  seek: number | undefined,
  filters: string[],
  outputOptions: string[],
  target: string,
): Promise<string[]> {
  // Only its argument builder is used: running the command through it would first start ffmpeg once more to list
  // encoders, and it misreads that list from version 7 on.
  const { default: ffmpeg } = await import('fluent-ffmpeg');
  const command = ffmpeg({ source: input.url })
    .inputOptions(inputOptions(input, seek, CODECS))
    .outputOptions(['-map', '0:V:0', '-an', '-sn', '-dn', ...outputOptions])
    .videoFilters(filters)
    .output(target);
  return command._getArguments();
}

function inputOptions(input: InputPlan, seek: number | undefined, codecs: readonly string[]): string[] {
  return [
    '-nostdin',
    '-nostats',
    ...['-loglevel', 'info'],
    ...['-max_alloc', String(MAX_ALLOC_BYTES)],
    ...['-f', input.demuxer],
    ...['-codec_whitelist', codecs.join(',')],
    ...['-protocol_whitelist', 'http,tcp'],
    // The server answers an open range in part; fetching the rest counts as a reconnect: once, at once.
    ...['-reconnect', '1', '-reconnect_delay_max', '0'],
    ...quickOpening(input),
    ...['-threads', String(input.threads)],
    ...(input.decoderOptions ?? []),
    ...(input.upright === false ? ['-noautorotate'] : []),
    ...['-max_pixels', String(input.maxPixels)],
    // The container's own timestamps throughout: no start offset is subtracted.
    '-copyts',
    ...(seek === undefined ? [] : ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seek.toFixed(6)]),
  ];
}

/**
 * mp4 and Matroska state what a decoder needs, so one packet of each stream is enough. AVI does not: ffmpeg must
 * see the delay of reordered frames, or every timestamp is off by it.
 */
function quickOpening(input: InputPlan): string[] {
  return input.demuxer === 'avi' ? [] : ['-fpsprobesize', '0', '-probesize', '32'];
}
