import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSharp } from '../../functions/video/media/load-sharp.ts';
import type { Seen, SeenMoment } from './answer-by-schema.ts';
import { formatDuration } from './format-duration.ts';
import { GoogleError } from './google-error.ts';
import { findPeaks, mostNovel } from './novelty.ts';
import { type AskedPart, type AskedQuestion, parseGsUri } from './request.ts';
import { type SampledVideo, sampleVideo, THUMBNAIL } from './sample-video.ts';

export interface MediaTokens {
  video: number;
  audio: number;
  image: number;
}

export interface Looked {
  seen: Seen;
  tokens: MediaTokens;
}

export interface Eyes {
  /** A file or loopback URL of an object; undefined or a rejection if it does not exist. */
  openObject: (bucket: string, name: string) => Promise<string | undefined>;
  ffmpegPath: string;
  /** Folder for videos sent in the request, while they are analysed. */
  dir: string;
}

const TOKENS_A_FRAME = 66;
const TOKENS_A_SECOND_OF_SOUND = 25;
const TOKENS_AN_IMAGE = 258;
const MAX_TOKENS = 1_048_576;
/** Shorter clips give no frames at all: the real service then makes its answer up, and so does this one. */
const SHORTEST_SECONDS = 0.5;

/** Answers a question from its images: the novel moments of its video, or the most novel of its stills. */
export async function look(question: AskedQuestion, eyes: Eyes, signal: AbortSignal): Promise<Looked> {
  const tokens: MediaTokens = { video: 0, audio: 0, image: 0 };
  const stills = question.parts.filter((part) => part.kind === 'image');
  const limit = momentsWanted(question);
  let moments: SeenMoment[] = [];
  if (stills.length > 0) {
    tokens.image = stills.length * TOKENS_AN_IMAGE;
    moments = await lookAtStills(stills);
  }
  for (const part of question.parts) {
    if (part.kind !== 'video' && part.kind !== 'inline-video') continue;
    const video = await sample(part, eyes, signal);
    if (video.durationSeconds < SHORTEST_SECONDS) {
      moments.push(madeUpMoment());
      continue;
    }
    tokens.video += video.samples.length * TOKENS_A_FRAME;
    if (video.hasAudio) tokens.audio += Math.ceil(video.durationSeconds) * TOKENS_A_SECOND_OF_SOUND;
    moments.push(...lookAtVideo(video, part.fps, limit));
  }
  return { seen: { moments: moments.slice(0, limit) }, tokens };
}

function lookAtVideo(video: SampledVideo, fps: number, limit: number): SeenMoment[] {
  const peaks = findPeaks(video.samples, { minGap: Math.max(2, Math.ceil(2 * fps)), limit });
  return peaks.map(({ index, confidence }) => {
    const seconds = index / fps;
    const timestamp = formatDuration(seconds, fps > 1);
    return {
      seconds,
      timestamp,
      still: undefined,
      confidence,
      description: `Something new is seen at ${timestamp}.`,
    };
  });
}

async function lookAtStills(stills: readonly { bytes: Buffer }[]): Promise<SeenMoment[]> {
  const pictures = await Promise.all(stills.map(({ bytes }) => thumbnail(bytes)));
  const best = mostNovel(pictures);
  if (!best) return [];
  const still = best.index + 1;
  const description = `Still ${still} of ${stills.length} shows something new.`;
  return [{ seconds: undefined, timestamp: undefined, still, confidence: best.confidence, description }];
}

async function thumbnail(bytes: Buffer): Promise<Uint8Array> {
  const sharp = await loadSharp();
  try {
    return await sharp(bytes)
      .resize(THUMBNAIL.width, THUMBNAIL.height, { fit: 'fill' })
      .flatten()
      .greyscale()
      .toColourspace('b-w')
      .raw()
      .toBuffer();
  } catch {
    throw new GoogleError('INVALID_ARGUMENT', 'Unable to process input image. Please retry or report.');
  }
}

async function sample(
  part: Extract<AskedPart, { kind: 'video' | 'inline-video' }>,
  eyes: Eyes,
  signal: AbortSignal,
): Promise<SampledVideo> {
  const common = {
    fps: part.fps,
    ffmpegPath: eyes.ffmpegPath,
    maxSamples: Math.floor(MAX_TOKENS / TOKENS_A_FRAME),
    signal,
  };
  if (part.kind === 'inline-video') {
    const path = join(eyes.dir, `inline-${randomUUID()}`);
    try {
      await writeFile(path, part.bytes);
      return await sampleVideo({ ...common, input: path });
    } finally {
      await rm(path, { force: true });
    }
  }
  const { bucket, name } = parseGsUri(part.uri);
  const notFound = new GoogleError('NOT_FOUND', `Cloud Storage object ${part.uri} was not found.`);
  const input = await eyes.openObject(bucket, name).catch(() => undefined);
  if (input === undefined) throw notFound;
  try {
    return await sampleVideo({ ...common, input });
  } catch (error) {
    throw error instanceof GoogleError && error.status === 'NOT_FOUND' ? notFound : error;
  }
}

/** The number that the prompt asks for, such as "at most 3". */
function momentsWanted(question: AskedQuestion): number {
  for (const part of question.parts) {
    const asked = part.kind === 'text' ? /\bat most (\d{1,3})\b/i.exec(part.text) : null;
    if (asked) return Math.max(1, Number(asked[1]));
  }
  return 5;
}

function madeUpMoment(): SeenMoment {
  return {
    seconds: 3,
    timestamp: '00:03',
    still: undefined,
    confidence: 0.9,
    description: 'No frame of this clip was sampled.',
  };
}
