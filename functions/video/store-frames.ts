import { AppError, type ErrorCode } from '../../shared/core/errors.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';
import type { Detection } from './detect.ts';
import type { ImageForm } from './image-forms.ts';
import type { ManifestMoment, StoredImage } from './manifest.ts';
import { animate, previewFrames } from './media/animate.ts';
import { contactSheet } from './media/contact-sheet.ts';
import { type EncodedImage, encodeFrame } from './media/encode-frame.ts';
import { sheetFrames } from './media/sheet-frames.ts';
import type { VideoFile, VideoFrame } from './media/video-file.ts';
import type { Question } from './questions.ts';
import type { VideoNames } from './records.ts';

export interface StoreFramesInput {
  video: VideoFile;
  detection: Detection;
  frames: ObjectStore;
  names: VideoNames;
  /** Which images of each moment to make. */
  question: Pick<Question, 'formats' | 'contactSheet' | 'preview' | 'clipSeconds'>;
  quality: number;
  previewWidth: number;
  clipWidth: number;
  /** Custom metadata of every image. */
  metadata: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** Extracts, encodes and stores the frame of every moment, in order. */
export async function storeFrames(input: StoreFramesInput): Promise<ManifestMoment[]> {
  const moments: ManifestMoment[] = [];
  for (const [index, moment] of input.detection.moments.entries()) {
    const frame = await input.video.frameAt(moment.chosenSeconds);
    const [first, ...others] = input.question.formats;
    const stored = await storeFrame(input, index, moment.chosenSeconds, frame, first);
    const copies: StoredImage[] = [];
    for (const form of others) {
      copies.push(await storeFrame(input, index, moment.chosenSeconds, frame, form, form.width ?? 'full'));
    }
    const { contactSheet } = input.question;
    const sheet = contactSheet ? await storeSheet(input, contactSheet, index, frame.time) : undefined;
    const preview = input.question.preview ? await storePreview(input, index, frame.time) : undefined;
    moments.push({
      ...moment,
      seconds: frame.time,
      ...(frame.decodeErrors !== undefined && { decodeErrors: frame.decodeErrors }),
      frame: stored,
      ...(copies.length > 0 && { copies }),
      ...(sheet && { contactSheet: sheet }),
      ...(preview && { preview }),
      ...(input.question.clipSeconds > 0 && (await storeClip(input, index, frame.time))),
    });
  }
  return moments;
}

async function storeFrame(
  input: StoreFramesInput,
  index: number,
  chosenSeconds: number,
  frame: VideoFrame,
  form: ImageForm,
  width?: number | 'full',
): Promise<StoredImage> {
  const image = await encodeFrame(frame, { ...form, quality: input.quality });
  return put(input, input.names.frame(index, chosenSeconds, image.extension, width), image, frame.time);
}

/** A frame without its clip is better than none: what only the clip cannot do is said in the manifest. */
async function storeClip(
  input: StoreFramesInput,
  index: number,
  time: number,
): Promise<Pick<ManifestMoment, 'clip' | 'noClip'>> {
  const { video, question, clipWidth, names } = input;
  const { from, to } = clipSpan(time, question.clipSeconds, video.facts.durationSeconds);
  try {
    const { bytes, width, height, ...span } = await video.clip(from, to, clipWidth);
    const file = { bytes, width, height, contentType: 'video/mp4', extension: 'mp4' };
    return { clip: { ...(await put(input, names.clip(index), file, time)), ...span } };
  } catch (error) {
    if (!(error instanceof AppError) || !NO_CLIP.has(error.code)) throw error;
    return { noClip: error.message };
  }
}

/** Codes of what can fail for a clip alone, since its frame was decoded. */
const NO_CLIP: ReadonlySet<ErrorCode> = new Set(['too-large', 'too-costly', 'timeout', 'corrupt-media']);

/** As many seconds around a time, shifted to be within the video. */
export function clipSpan(
  time: number,
  seconds: number,
  durationSeconds = Number.POSITIVE_INFINITY,
): { from: number; to: number } {
  const from = Math.max(0, Math.min(time - seconds / 2, durationSeconds - seconds));
  return { from, to: Math.max(from, Math.min(from + seconds, durationSeconds)) };
}

async function storePreview(input: StoreFramesInput, index: number, time: number): Promise<StoredImage> {
  const frames = await previewFrames(input.video, time, input.previewWidth);
  return put(input, input.names.preview(index), await animate(frames, input.quality), time);
}

async function storeSheet(
  input: StoreFramesInput,
  { format, width }: ImageForm,
  index: number,
  time: number,
): Promise<StoredImage> {
  const { quality } = input;
  const cells = await sheetFrames(input.video, time, width);
  const sheet = await contactSheet(cells, { format, quality });
  return put(input, input.names.contactSheet(index, sheet.extension), sheet, time);
}

async function put(
  input: StoreFramesInput,
  name: string,
  image: EncodedImage,
  time: number,
): Promise<StoredImage> {
  const { frames, signal } = input;
  const metadata = { ...input.metadata, 'frame-seconds': time.toFixed(6) };
  const outcome = await frames.putIfAbsent(name, image.bytes, {
    contentType: image.contentType,
    metadata,
    signal,
  });
  // another attempt at this upload stored it first: the manifest describes the stored one
  const facts = outcome.kind === 'written' ? outcome.facts : await frames.stat(name, { signal });
  return describeImage(frames.bucket, name, image, facts);
}

function describeImage(
  bucket: string,
  name: string,
  image: EncodedImage,
  facts: ObjectFacts | undefined,
): StoredImage {
  return {
    bucket,
    name,
    generation: facts?.generation ?? '',
    contentType: image.contentType,
    size: facts?.size ?? image.bytes.byteLength,
    crc32c: facts?.crc32c ?? '',
    width: image.width,
    height: image.height,
  };
}
