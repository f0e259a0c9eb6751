/**
 * A video in a bucket, opened for reading frames. What the pipeline knows of media; open-video.ts opens it
 * with ffmpeg over ranged reads.
 *
 * All times are seconds from the first frame, as a player shows them: the container's start offset and edit
 * list are already taken off.
 */
export interface VideoFacts {
  /** Demuxer that was used: `mp4`, `matroska`, `avi`. */
  container: string;
  /** ffmpeg's name of the video codec. */
  codec: string;
  /** Pixels as displayed: after rotation, with square pixels. */
  width: number;
  height: number;
  /** Clockwise degrees to turn the coded picture upright: 0, 90, 180 or 270. */
  rotation: number;
  /** Length of the video stream, in seconds; undefined if unknown. */
  durationSeconds: number | undefined;
  /** Nominal frames a second; undefined if unknown. */
  frameRate: number | undefined;
  /** True for PQ or HLG transfer: frames are tone-mapped. */
  hdr: boolean;
  hasAudio: boolean;
}

export interface VideoFrame {
  /** Start of this frame's display, in seconds. */
  time: number;
  width: number;
  height: number;
  /** Packed 8-bit RGB in sRGB, row by row, upright, square pixels: `width * height * 3` bytes. */
  rgb: Uint8Array;
  /** Decoder errors on the way to this frame, which may be damaged; absent if there were none. */
  decodeErrors?: number;
}

export interface VideoClip {
  bytes: Uint8Array;
  width: number;
  height: number;
  /** Starts of the first and the last frame's display, in seconds. */
  startSeconds: number;
  endSeconds: number;
  frames: number;
}

export interface VideoFile {
  readonly facts: VideoFacts;
  /** The frame on display at `time`: the last one that starts at or before it, else the first or last. */
  frameAt(time: number): Promise<VideoFrame>;
  /**
   * Every frame that starts in [from, to], at most `limit` of them (then evenly thinned), in one decode. `maxWidth`
   * scales them down, for stills that only the model sees. Never empty: the frame on display at `from` comes first.
   */
  framesBetween(from: number, to: number, limit: number, maxWidth?: number): Promise<VideoFrame[]>;
  /** The frame on display at each of these ascending times, in one decode; one frame may be on display at several. */
  framesAt(times: readonly number[], maxWidth?: number): Promise<VideoFrame[]>;
  /**
   * The frames on display from one time to another, with their sound, as an mp4. Throws `too-large`, `too-costly`,
   * `timeout` or `corrupt-media` if there can be none.
   */
  clip(from: number, to: number, maxWidth: number): Promise<VideoClip>;
  /** Storage bytes and requests so far. */
  readonly traffic: { bytes: number; requests: number };
  /** Ends its processes and its loopback server. */
  close(): Promise<void>;
}
