import type { RefusalCode } from '../../shared/core/errors.ts';
import type { DetectedMoment, DroppedMoment, TokensSpent } from './detect.ts';
import type { VideoFacts } from './media/video-file.ts';

/** The one document that every upload ends in. A reader of version 1 can read any version that only adds fields. */
export interface Manifest {
  schemaVersion: 1;
  outcome: 'framed' | 'no-moment' | 'rejected';
  /** Present if the outcome is `rejected`. */
  rejection?: { code: RefusalCode; reason: string };
  source: {
    bucket: string;
    name: string;
    generation: string;
    size?: number;
    contentType?: string;
    crc32c?: string;
    video?: VideoFacts;
  };
  /** `id`: only for a question besides the upload's first one. */
  question?: { id?: string; moment: string; maxMoments: number };
  model?: { sdk: string; name: string; asks: number };
  moments: ManifestMoment[];
  dropped: DroppedMoment[];
  tokens?: TokensSpent;
  /** US dollars, at the configured prices. */
  estimatedCost?: number;
  /** Duration of the attempt that wrote this, in ms. */
  timings: Record<string, number>;
  /** Storage traffic for reading the video in that attempt. */
  reads?: { bytes: number; requests: number };
  /** Number of deliveries, including this one. */
  attempts: number;
  eventId: string;
  correlationId: string;
  ffmpeg?: string;
  /** RFC 3339. */
  createdAt: string;
}

export interface ManifestMoment extends DetectedMoment {
  /** Start of the stored frame's display, in seconds from the first frame. */
  seconds: number;
  /** Decoder errors on the way to this frame, which may be damaged; absent if there were none. */
  decodeErrors?: number;
  frame: StoredImage;
  /** The same frame in the other forms asked for. */
  copies?: StoredImage[];
  contactSheet?: StoredImage;
  /** Animated WebP of the seconds around the frame. */
  preview?: StoredImage;
  /** The video around the frame, with its sound. */
  clip?: StoredClip;
  /** Why there is no clip although one was asked for. */
  noClip?: string;
}

export interface StoredClip extends StoredImage {
  /** Starts of the first and the last frame's display, in seconds of the video. */
  startSeconds: number;
  endSeconds: number;
  frames: number;
}

export interface StoredImage {
  bucket: string;
  name: string;
  generation: string;
  contentType: string;
  /** Bytes. */
  size: number;
  crc32c: string;
  width: number;
  height: number;
}
