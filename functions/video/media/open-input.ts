import { availableParallelism } from 'node:os';
import { AppError } from '../../../shared/core/errors.ts';
import { instanceMemory } from '../../../shared/core/instance-memory.ts';
import type { BlockCache } from '../../../shared/storage/block-cache.ts';
import type { RangeServer } from '../../../shared/storage/range-server.ts';
import { COMMON_CODECS } from './codecs.ts';
import { complaint, type DecodeContext } from './decode-frames.ts';
import { outOfMemory, refuseSlow, saysNoMemory } from './decoding-cost.ts';
import { planMemory, probeMemory } from './decoding-memory.ts';
import { EARLY_SECONDS, type FfmpegBinary } from './ffmpeg.ts';
import { type InputPlan, probeArguments } from './ffmpeg-command.ts';
import type { ByteRange, SampleTable } from './mp4-samples.ts';
import type { MediaLimits, OpenVideoOptions } from './open-video.ts';
import { statedReferences } from './parameter-sets.ts';
import { parsing } from './parsing.ts';
import { outputOf, type Picture, pictureOf } from './picture.ts';
import { type ProbedVideo, ProbeLog } from './probe-video.ts';
import { runFfmpeg } from './run-ffmpeg.ts';
import type { Sandbox } from './sandbox.ts';
import { hideSegmentIndexes } from './segment-indexes.ts';
import { SNIFF_BYTES, sniffContainer } from './sniff-container.ts';
import { readStated, type StatedTrack } from './stated-track.ts';
import type { VideoFacts } from './video-file.ts';
import { lengthOf } from './video-length.ts';
import { x264Build } from './x264-build.ts';

export interface OpenedVideo {
  facts: VideoFacts;
  probed: ProbedVideo;
  picture: Picture;
  context: DecodeContext;
  /** Seconds added to a seek time to compensate for ffmpeg's own margin. */
  seekShift: number;
  /** Predicts the storage reads of an mp4. */
  samples: SampleTable | undefined;
  fragmented: boolean;
}

export interface OpenInputOptions {
  server: RangeServer;
  ffmpeg: FfmpegBinary;
  limits: MediaLimits;
  signal: AbortSignal;
  sandbox: Sandbox | undefined;
  log: OpenVideoOptions['log'];
}

/** Time limit of one ffmpeg command unless the limits say otherwise. */
const COMMAND_SECONDS = 60;

/** Identifies the object, checks it against the limits, and plans how its frames are decoded. */
export async function openInput(options: OpenInputOptions): Promise<OpenedVideo> {
  const { cache } = options.server;
  const { limits } = options;
  if (cache.size === 0) throw new AppError('empty-object', 'object must not be empty, got 0 bytes');
  const sniffed = sniffContainer(await cache.slice(0, SNIFF_BYTES));
  if (sniffed.kind === 'other') {
    throw new AppError(
      'unsupported-media',
      `object must be mp4, mov, Matroska, WebM or AVI, got ${sniffed.found}`,
    );
  }
  const track = await readStated(sniffed.container, cache);
  if (track?.segmentIndexes && options.ffmpeg.misreadsSegments) {
    await hideSegmentIndexes(cache, options.ffmpeg.version);
  }
  // An edit list may show little of what must be decoded.
  refuseLong(Math.max(track?.seconds ?? 0, track?.samples?.seconds ?? 0), limits);

  const input: InputPlan = {
    url: options.server.url,
    demuxer: sniffed.demuxer,
    // Decoders count what they allocate, with rounded-up sides; the displayed size is checked below.
    maxPixels: Math.ceil(limits.maxPixels * 1.1) + 65_536,
    threads: 1,
  };
  const context: DecodeContext = {
    binary: options.ffmpeg,
    input,
    timeLimitMs: (limits.commandSeconds ?? COMMAND_SECONDS) * 1_000,
    memoryBytes: probeMemory(limits.memoryBytes ?? instanceMemory()),
    log: options.log,
    sandbox: options.sandbox,
    signal: options.signal,
  };
  const samples = track?.samples;
  fetchAhead(cache, samples?.range(0, 0, options.ffmpeg.packetsAhead));
  const probed = await probe(context, limits);
  const { durationSeconds, atLeast } = lengthOf(probed, track, sniffed.container);
  refuseLong(durationSeconds ?? atLeast, limits);
  const picture = pictureOf(probed);
  refuseLarge(picture.width, picture.height, limits);
  refuseSlow(longestGroup(track, probed), probed, limits.commandSeconds ?? COMMAND_SECONDS);
  const plan = planDecoding(probed, picture, track, options);
  return {
    facts: {
      container: sniffed.container,
      codec: probed.codec,
      width: picture.width,
      height: picture.height,
      rotation: probed.rotation,
      durationSeconds,
      frameRate: probed.frameRate,
      hdr: picture.hdr,
      hasAudio: probed.hasAudio,
    },
    probed,
    picture,
    context: {
      ...context,
      memoryBytes: plan.memoryBytes,
      input: {
        ...input,
        threads: plan.threads,
        upright: !probed.skewed,
        decoderOptions: await decoderOptions(cache, probed, track),
      },
    },
    fragmented: track?.fragmented ?? false,
    seekShift: options.ffmpeg.seeksEarly && track?.reordered ? EARLY_SECONDS : 0,
    samples,
  };
}

/** Longer stretches are read when ffmpeg gets to them. */
const AHEAD_BYTES = 8 * 1024 * 1024;

/** Starts one read of bytes that will be needed. */
export function fetchAhead(cache: BlockCache, range: ByteRange | undefined): void {
  if (!range || range.offset >= cache.size) return;
  // the caller that needs the bytes gets the error
  cache.prefetch(range.offset, Math.min(range.length, AHEAD_BYTES)).catch(() => undefined);
}

async function decoderOptions(
  cache: BlockCache,
  { codec, pixelFormat }: ProbedVideo,
  track: StatedTrack | undefined,
): Promise<string[]> {
  if (codec !== 'h264' || !pixelFormat?.includes('444')) return [];
  const build = await x264Build(cache, track?.samples?.range(0, 0, 0) ?? track?.firstSample);
  return build === undefined ? [] : ['-x264_build', String(build)];
}

/** Maximum number of samples to decode for one frame, as far as the container says. */
function longestGroup(track: StatedTrack | undefined, { frameRate }: ProbedVideo): number {
  if (track?.longestGroup !== undefined) return track.longestGroup;
  return Math.round((track?.keyframeGap ?? 0) * (frameRate ?? 0));
}

function planDecoding(
  probed: ProbedVideo,
  picture: Picture,
  track: StatedTrack | undefined,
  { ffmpeg, limits }: OpenInputOptions,
): ReturnType<typeof planMemory> {
  const { codec, width, height, pixelFormat } = probed;
  const config = track?.decoderConfig;
  const references = config && parsing('decoder configuration', () => statedReferences(codec, config));
  return planMemory(
    {
      ...{ codec, width, height, pixelFormat, references },
      outputBytes: outputOf(picture).frameBytes,
      // Since version 7 pictures wait in queues between threads; those with 16 bits per channel are the slowest to
      // write.
      outputsHeld: ffmpeg.packetsAhead === 4 ? 2 : picture.work ? 5 : 3,
    },
    limits.memoryBytes ?? instanceMemory(),
    limits.threads ?? Math.min(2, availableParallelism()),
  );
}

async function probe(context: DecodeContext, limits: MediaLimits): Promise<ProbedVideo> {
  const log = new ProbeLog();
  const args = await probeArguments(context.input, context.binary);
  await runFfmpeg({ ...context, args, onLine: (line) => log.line(line) });
  const probed = log.result();
  if (probed) return probed;

  const said = log.tail.join('\n');
  const { announced } = log;
  if (log.tail.some(saysNoMemory)) throw outOfMemory(context.memoryBytes);
  const [, width, height] = /Picture size (\d+)x(\d+) /.exec(said) ?? [];
  if (width && height) refuseLarge(Number(width), Number(height), limits, true);
  if (announced) refuseLarge(announced.width || 0, announced.height || 0, limits);
  if (!announced && log.streamKinds.length > 0) {
    throw new AppError(
      'unsupported-media',
      `object must have a video stream, got only ${list(log.streamKinds)}`,
    );
  }
  if (/matches no streams/.test(said)) {
    throw new AppError(
      'unsupported-media',
      `object must have a video stream, got only ${list(log.streamKinds)}`,
    );
  }
  if (announced && said.includes(`Codec (${announced.codec}) not on whitelist`)) {
    throw new AppError(
      'unsupported-media',
      `video codec must be ${COMMON_CODECS} or one that docs/codecs.md lists, got ${announced.codec}`,
    );
  }
  if (announced && /no decoder|Decoder \(.*\) not found|Unknown decoder|Decoding requested/i.test(said)) {
    const { version } = context.binary;
    throw new AppError('unsupported-media', `no decoder for ${announced.codec} video in ffmpeg ${version}`);
  }
  throw new AppError('corrupt-media', `no frame could be decoded: ${complaint(log.tail)}`);
}

function refuseLong(seconds: number, limits: MediaLimits): void {
  if (seconds <= limits.maxSeconds) return;
  const found = Math.round(seconds * 10) / 10;
  throw new AppError('too-long', `video must be at most ${limits.maxSeconds} s long, got ${found} s`);
}

function refuseLarge(width: number, height: number, limits: MediaLimits, always = false): void {
  const side = limits.maxSide ?? 16_384;
  if (!always && width * height <= limits.maxPixels && Math.max(width, height) <= side) return;
  throw new AppError(
    'too-large',
    `video must have at most ${limits.maxPixels} pixels and ${side} a side, got ${width} x ${height}`,
  );
}

function list(kinds: readonly string[]): string {
  return kinds.length === 0 ? 'nothing at all' : [...new Set(kinds)].join(' and ');
}
