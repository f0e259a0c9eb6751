import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';
import type { Detection } from './detect.ts';
import type { ImageForm } from './image-forms.ts';
import type { ManifestMoment, StoredImage } from './manifest.ts';
import { contactSheet } from './media/contact-sheet.ts';
import { type EncodedImage, encodeFrame } from './media/encode-frame.ts';
import { sheetFrames } from './media/sheet-frames.ts';
import type { VideoFile, VideoFrame } from './media/video-file.ts';
import type { VideoNames } from './records.ts';
import type { VideoConfig } from './settings.ts';

export interface StoreFramesInput {
  video: VideoFile;
  detection: Detection;
  frames: ObjectStore;
  names: VideoNames;
  format: VideoConfig['frame'];
  /** Form of the contact sheets; false for none. */
  contactSheet: false | ImageForm;
  /** Custom metadata of every image. */
  metadata: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** Extracts, encodes and stores the frame of every moment, in order. */
export async function storeFrames(input: StoreFramesInput): Promise<ManifestMoment[]> {
  const moments: ManifestMoment[] = [];
  for (const [index, moment] of input.detection.moments.entries()) {
    const frame = await input.video.frameAt(moment.chosenSeconds);
    const stored = await storeFrame(input, index, moment.chosenSeconds, frame);
    const { contactSheet } = input;
    const sheet = contactSheet ? await storeSheet(input, contactSheet, index, frame.time) : undefined;
    moments.push({
      ...moment,
      seconds: frame.time,
      ...(frame.decodeErrors !== undefined && { decodeErrors: frame.decodeErrors }),
      frame: stored,
      ...(sheet && { contactSheet: sheet }),
    });
  }
  return moments;
}

async function storeFrame(
  input: StoreFramesInput,
  index: number,
  chosenSeconds: number,
  frame: VideoFrame,
): Promise<StoredImage> {
  const image = await encodeFrame(frame, input.format);
  return put(input, input.names.frame(index, chosenSeconds, image.extension), image, frame.time);
}

async function storeSheet(
  input: StoreFramesInput,
  { format, width }: ImageForm,
  index: number,
  time: number,
): Promise<StoredImage> {
  const { quality } = input.format;
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
