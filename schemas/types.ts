// Written by `npm run schemas:types` from the JSON Schemas beside it: changes here are lost.

/**
 * Data of the event that processVideo publishes for an upload in which it found the moment.
 */
export interface VideoFramed1 {
  /**
   * The write-once document that this event repeats.
   */
  manifest: {
    bucket: string;
    name: string;
  };
  /**
   * The upload.
   */
  source: {
    bucket: string;
    name: string;
    /**
     * Exceeds 2^53, so it is text.
     */
    generation: string;
    size?: number;
    contentType?: string;
    crc32c?: string;
    video?: {
      container: string;
      codec: string;
      /**
       * Pixels as displayed.
       */
      width: number;
      height: number;
      /**
       * Clockwise degrees.
       */
      rotation?: 0 | 90 | 180 | 270;
      durationSeconds?: number;
      frameRate?: number;
      hdr?: boolean;
      hasAudio?: boolean;
    };
  };
  /**
   * What was asked of the model.
   */
  question: {
    /**
     * Of a question besides the upload's first one.
     */
    id?: string;
    moment: string;
    maxMoments: number;
  };
  model: {
    sdk: string;
    name: string;
    asks?: number;
  };
  tokens: {
    prompt?: number;
    output?: number;
    thoughts?: number;
    total: number;
  };
  /**
   * US dollars.
   */
  estimatedCost?: number;
  /**
   * Deliveries it took.
   */
  attempts: number;
  /**
   * @minItems 1
   */
  moments: {
    /**
     * As the model wrote it.
     */
    timestamp?: string;
    coarseSeconds?: number;
    chosenSeconds?: number;
    decidedBy?: 'stills' | 'coarse';
    /**
     * When the display of the frame begins, from the first frame.
     */
    seconds: number;
    /**
     * Complaints of the decoder on the way to the frame, which may be damaged.
     */
    decodeErrors?: number;
    confidence: number;
    description: string;
    frame: VideoFramed1Image;
    /**
     * The same frame in other formats and widths.
     */
    copies?: VideoFramed1Image[];
    contactSheet?: VideoFramed1Image;
    preview?: VideoFramed1Image;
    clip?: VideoFramed1Image;
    /**
     * Why there is no clip although one was asked for.
     */
    noClip?: string;
  }[];
}
export interface VideoFramed1Image {
  bucket: string;
  name: string;
  generation?: string;
  contentType: string;
  /**
   * Bytes.
   */
  size: number;
  crc32c?: string;
  width: number;
  height: number;
}

/**
 * Data of the event that processVideo publishes for an upload in which it found no such moment.
 */
export interface VideoNoMoment1 {
  /**
   * The write-once document that this event repeats.
   */
  manifest: {
    bucket: string;
    name: string;
  };
  /**
   * The upload.
   */
  source: {
    bucket: string;
    name: string;
    /**
     * Exceeds 2^53, so it is text.
     */
    generation: string;
    size?: number;
    contentType?: string;
    crc32c?: string;
    video?: {
      container: string;
      codec: string;
      /**
       * Pixels as displayed.
       */
      width: number;
      height: number;
      /**
       * Clockwise degrees.
       */
      rotation?: 0 | 90 | 180 | 270;
      durationSeconds?: number;
      frameRate?: number;
      hdr?: boolean;
      hasAudio?: boolean;
    };
  };
  /**
   * What was asked of the model.
   */
  question: {
    /**
     * Of a question besides the upload's first one.
     */
    id?: string;
    moment: string;
    maxMoments: number;
  };
  model: {
    sdk: string;
    name: string;
    asks?: number;
  };
  tokens: {
    prompt?: number;
    output?: number;
    thoughts?: number;
    total: number;
  };
  /**
   * US dollars.
   */
  estimatedCost?: number;
  /**
   * Deliveries it took.
   */
  attempts: number;
}

/**
 * Data of the event that processVideo publishes for an upload that it will not process.
 */
export interface VideoRejected1 {
  /**
   * The write-once document that this event repeats.
   */
  manifest: {
    bucket: string;
    name: string;
  };
  /**
   * The upload.
   */
  source: {
    bucket: string;
    name: string;
    /**
     * Exceeds 2^53, so it is text.
     */
    generation: string;
    size?: number;
    contentType?: string;
    crc32c?: string;
    video?: {
      container: string;
      codec: string;
      /**
       * Pixels as displayed.
       */
      width: number;
      height: number;
      /**
       * Clockwise degrees.
       */
      rotation?: 0 | 90 | 180 | 270;
      durationSeconds?: number;
      frameRate?: number;
      hdr?: boolean;
      hasAudio?: boolean;
    };
  };
  /**
   * What was asked of the model.
   */
  question?: {
    /**
     * Of a question besides the upload's first one.
     */
    id?: string;
    moment: string;
    maxMoments: number;
  };
  model?: {
    sdk: string;
    name: string;
    asks?: number;
  };
  tokens?: {
    prompt?: number;
    output?: number;
    thoughts?: number;
    total: number;
  };
  /**
   * US dollars.
   */
  estimatedCost?: number;
  /**
   * Deliveries it took.
   */
  attempts: number;
  rejection: {
    code: string;
    /**
     * What was found and what is allowed.
     */
    reason: string;
  };
}

declare module '../shared/events/event-data.ts' {
  interface EventTypes {
    'video.framed': VideoFramed1;
    'video.no-moment': VideoNoMoment1;
    'video.rejected': VideoRejected1;
  }
}
