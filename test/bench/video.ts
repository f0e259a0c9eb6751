import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FfmpegBinary } from '../../functions/video/media/ffmpeg.ts';
import { findFfmpeg } from '../../functions/video/media/ffmpeg.ts';
import { decodeArguments, probeArguments } from '../../functions/video/media/ffmpeg-command.ts';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import { runTool } from '../helpers/clips.ts';
import { type FileStoreOptions, fileStore } from '../helpers/file-store.ts';
import { startTestGcs } from '../helpers/gcs.ts';
import { type LongMp4, makeLongMp4 } from '../helpers/long-mp4.ts';
import { servePlainly } from '../helpers/plain-server.ts';
import type { Emit } from './main.ts';

const run = promisify(execFile);
const MiB = 1024 * 1024;
const LIMITS = { maxSeconds: 20_000, maxPixels: 40_000_000 };
/** Right after a keyframe, in the middle of a GOP, at its end, the first and the last frame. */
const TIMES = [432.01, 433.3, 433.98, 0, 599.96];
const GROUPS_PER_REPEAT = 10;

/**
 * One frame of a video in a bucket: bytes, requests, memory and time, compared with plain ffmpeg over HTTP and with
 * downloading first. The long videos repeat twenty encoded seconds (720p, 4 Mbit/s, a keyframe every two
 * seconds, no sound) under a complete index. The 5 GB file is sparse: only the parts that are read are
 * written.
 */
export async function bench(emit: Emit): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-video-'));
  try {
    const ffmpeg = await findFfmpeg(process.env['FFMPEG_PATH']);
    const pattern = join(folder, 'pattern.mp4');
    await encodePattern(pattern, ffmpeg.path);
    for (const index of ['first', 'last'] as const) {
      const path = join(folder, `index-${index}.mp4`);
      const clip = await makeLongMp4({ pattern, path, repeats: 30, index });
      await bytesAndRequests(emit, `video.index-${index}`, path, clip, TIMES, ffmpeg);
      if (index === 'first') await times(emit, path, folder, ffmpeg);
      if (index === 'last') await throughClientLibrary(emit, path);
      await rm(path);
    }
    const big = join(folder, 'five-gigabytes.mp4');
    const clip = await makeLongMp4({
      pattern,
      path: big,
      repeats: 530,
      index: 'last',
      written: [0, 1, 270, 271, 529],
    });
    emit({ name: 'video.5gb.size', value: clip.bytes, unit: 'bytes' });
    await bytesAndRequests(emit, 'video.5gb', big, clip, [0, 5_403.3, 10_599.96], ffmpeg);
    await memory(emit, 'video.5gb', ['file', big, '5403.3']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function encodePattern(path: string, ffmpeg: string): Promise<void> {
  await runTool(ffmpeg, [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25:duration=20'],
    ...['-vf', 'noise=alls=40:allf=t', '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'],
    ...['-b:v', '3900k', '-maxrate', '4000k', '-bufsize', '4000k'],
    ...['-g', '50', '-keyint_min', '50', '-sc_threshold', '0', '-bf', '2', path],
  ]);
}

/** The worst over the requested times, each from a cold start. */
async function bytesAndRequests(
  emit: Emit,
  name: string,
  path: string,
  clip: LongMp4,
  asked: readonly number[],
  ffmpeg: FfmpegBinary,
): Promise<void> {
  let [bytes, requests, slowMs] = [0, 0, 0];
  for (const time of asked) {
    const one = await oneFrame(path, time, ffmpeg, { latencyMs: 30 });
    bytes = Math.max(bytes, one.bytes);
    requests = Math.max(requests, one.sequential);
    slowMs = Math.max(slowMs, one.ms);
  }
  const group = clip.repeatBytes / GROUPS_PER_REPEAT;
  const bound = Math.round(clip.indexBytes + group + MiB);
  const overHttp = await plainBytes(path, asked[1]!, ffmpeg);
  emit({ name: `${name}.index`, value: clip.indexBytes, unit: 'bytes' });
  emit({ name: `${name}.group-of-pictures`, value: Math.round(group), unit: 'bytes' });
  emit({ name: `${name}.storage-bytes`, value: bytes, unit: 'bytes', bound, plain: overHttp });
  emit({ name: `${name}.storage-bytes-beside-download`, value: bytes, unit: 'bytes', plain: clip.bytes });
  emit({ name: `${name}.requests-in-a-row`, value: requests, unit: 'requests', bound: 12 });
  emit({ name: `${name}.frame-with-30-ms-a-request`, value: Math.round(slowMs), unit: 'ms' });
}

interface OneFrame {
  bytes: number;
  sequential: number;
  /** Time to open the video and take the frame; `frameMs` is the frame's part. */
  ms: number;
  frameMs: number;
}

async function oneFrame(
  path: string,
  time: number,
  ffmpeg: FfmpegBinary,
  options: FileStoreOptions = {},
): Promise<OneFrame> {
  const files = await fileStore(path, options);
  const started = performance.now();
  const video = await openVideoFile({ ...files, ffmpeg, limits: LIMITS });
  try {
    const opened = performance.now();
    await video.frameAt(time);
    const done = performance.now();
    const { bytes } = video.traffic;
    return { bytes, sequential: files.sequential(), ms: done - started, frameMs: done - opened };
  } finally {
    await video.close();
  }
}

function plainArguments(source: string, time: number): string[] {
  return [
    ...['-nostdin', '-loglevel', 'error', '-ss', String(time), '-i', source],
    ...['-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}

const TO_BUFFER = { encoding: 'buffer', maxBuffer: 64 * MiB } as const;

async function plainBytes(path: string, time: number, ffmpeg: FfmpegBinary): Promise<number> {
  const server = await servePlainly(path);
  try {
    await run(ffmpeg.path, plainArguments(server.url, time), TO_BUFFER);
    return server.bytes();
  } finally {
    await server.close();
  }
}

/** Medians of interleaved rounds, so that other load affects all alike. */
async function times(emit: Emit, path: string, folder: string, ffmpeg: FfmpegBinary): Promise<void> {
  const time = 433.3;
  const input = { url: path, demuxer: 'mov' as const, maxPixels: LIMITS.maxPixels, threads: 2 };
  const local = (args: string[]): string[] => {
    // The same command on the local file, without the options of the HTTP protocol.
    const options = ['-protocol_whitelist', '-reconnect', '-reconnect_delay_max'];
    return args.filter((arg, at) => !options.includes(arg) && !options.includes(args[at - 1] ?? ''));
  };
  const pts = Math.floor(time * 12_800) + 1_024;
  const commands = [
    local(await probeArguments(input, ffmpeg)),
    local(
      await decodeArguments(
        input,
        {
          ...{ seek: time, lo: pts - 1_000, hi: pts, pixelFormat: 'rgb24' },
          filters: ['scale=1280:720:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp'],
        },
        ffmpeg,
      ),
    ),
  ];
  const rounds = { ranges: [], frame: [], local: [], plain: [], download: [] } as Record<
    'ranges' | 'frame' | 'local' | 'plain' | 'download',
    number[]
  >;
  const copy = join(folder, 'download.mp4');
  for (let round = 0; round < 9; round++) {
    const one = await oneFrame(path, time, ffmpeg);
    rounds.ranges.push(one.ms);
    rounds.frame.push(one.frameMs);
    rounds.local.push(
      await taken(async () => {
        for (const args of commands) await run(ffmpeg.path, args, TO_BUFFER);
      }),
    );
    rounds.plain.push(await taken(() => run(ffmpeg.path, plainArguments(path, time), TO_BUFFER)));
    rounds.download.push(
      await taken(async () => {
        await copyFile(path, copy);
        await run(ffmpeg.path, plainArguments(copy, time), TO_BUFFER);
      }),
    );
  }
  const [ranges, frame, same, plain, download] = [
    rounds.ranges,
    rounds.frame,
    rounds.local,
    rounds.plain,
    rounds.download,
  ].map(median) as [number, number, number, number, number];
  emit({ name: 'video.frame-of-opened-file', value: round(frame), unit: 'ms', plain: round(plain) });
  emit({ name: 'video.frame-over-local-file', value: round(frame / plain), unit: 'x', bound: 1.5 });
  emit({ name: 'video.probe-and-frame', value: round(ranges), unit: 'ms', plain: round(same) });
  emit({ name: 'video.probe-and-frame-over-local-file', value: round(ranges / same), unit: 'x', bound: 1.5 });
  emit({ name: 'video.beside-download-first', value: round(ranges), unit: 'ms', plain: round(download) });
}

async function taken(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The real client library against the local Cloud Storage server. */
async function throughClientLibrary(emit: Emit, path: string): Promise<void> {
  const gcs = await startTestGcs();
  try {
    const { Storage } = await import('@google-cloud/storage');
    const client = new Storage({ apiEndpoint: gcs.server.url, projectId: 'bench' });
    await client.bucket('bucket').upload(path, { destination: 'long.mp4', resumable: false });
    await memory(emit, 'video.300mb', ['gcs', gcs.server.url, 'bucket', 'long.mp4', '433.3']);
  } finally {
    await gcs.close();
  }
}

async function memory(emit: Emit, name: string, args: readonly string[]): Promise<void> {
  if (process.platform !== 'linux') {
    process.stderr.write(`${name}: memory is measured through /proc, which this system has not\n`);
    return;
  }
  const script = fileURLToPath(new URL('../helpers/one-frame-process.ts', import.meta.url));
  const { stdout } = await run(process.execPath, ['--import', 'tsx', script, ...args], { maxBuffer: MiB });
  const seen = JSON.parse(stdout) as {
    nodeBytes: number;
    ffmpegBytes: number;
    traffic: { bytes: number; requests: number };
  };
  const mb = (bytes: number): number => Math.round(bytes / 1e6);
  emit({
    name: `${name}.peak-resident`,
    value: mb(seen.nodeBytes + seen.ffmpegBytes),
    unit: 'MB',
    bound: 300,
  });
  emit({ name: `${name}.storage-bytes-in-that-process`, value: seen.traffic.bytes, unit: 'bytes' });
  emit({ name: `${name}.peak-resident.node`, value: mb(seen.nodeBytes), unit: 'MB' });
  emit({ name: `${name}.peak-resident.ffmpeg`, value: mb(seen.ffmpegBytes), unit: 'MB' });
}
