import { serviceConfig, serviceSettings } from '../../shared/app/service-settings.ts';
import {
  bucket,
  type Env,
  endpoint,
  flag,
  integer,
  number,
  oneOf,
  optional,
  readSettings,
  required,
  text,
} from '../../shared/app/settings.ts';
import { placeSettings } from '../../shared/core/place-settings.ts';
import { MAX_SLOTS } from '../../shared/records/slot-limits.ts';
import { VISION_ADAPTERS } from '../../shared/vision/adapters.ts';

/**
 * Largest object asked about inline: Vertex AI takes requests of 20 MB, and base64 adds a third.
 * https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
 */
export const MAX_INLINE_BYTES = 14_000_000;

export const settings = {
  ...serviceSettings,
  FRAMES_BUCKET: required(placeSettings.FRAMES_BUCKET),
  MOMENT_PROMPT: text({
    default: 'a child shows "67" with hand gestures: both palms up, moving up and down in turn',
    doc: 'what to look for, if the upload does not say',
  }),
  MAX_MOMENTS: integer({
    min: 1,
    max: 20,
    default: 1,
    doc: 'frames per video; an upload may ask for fewer',
  }),
  MAX_QUESTIONS: integer({
    min: 1,
    max: 9,
    default: 3,
    doc: 'questions per upload; each costs a coarse and a fine pass, and counts as a video in `DAILY_VIDEOS`',
  }),
  NAME_PREFIX: text({ default: '', doc: 'uploads with other names are rejected' }),
  MAX_BYTES: integer({ min: 1, max: 5 * 1024 ** 4, default: 10 * 1024 ** 3, doc: 'size of an upload' }),
  MIN_SECONDS: number({ min: 0, max: 3_600, default: 0, doc: 'shortest video' }),
  MAX_SECONDS: number({ min: 0.04, max: 36_000, default: 2_700, doc: 'longest video' }),
  MAX_SIDE: integer({ min: 16, max: 16_384, default: 8_192, doc: 'longest side in pixels' }),
  MAX_PIXELS: integer({ min: 256, max: 16_384 * 16_384, default: 7_680 * 4_320, doc: 'width × height' }),
  GEMINI_MODEL: text({ default: 'gemini-3.8-flash', doc: 'the model' }),
  GEMINI_LOCATION: text({ default: 'global', doc: 'a region, `us`, `eu` or `global`' }),
  GEMINI_SDK: oneOf([...VISION_ADAPTERS.keys()], {
    default: 'vertexai',
    doc: '`@google-cloud/vertexai` or `@google/genai`, with the same questions',
  }),
  GEMINI_FPS: number({ min: 0.01, max: 24, default: 1, doc: 'frames per second in the coarse pass' }),
  GEMINI_VIDEO: oneOf(['uri', 'inline'], {
    default: 'uri',
    doc: '`inline` sends the bytes, up to 14 MB, for a bucket that Gemini cannot see',
  }),
  GEMINI_VIDEO_BUCKET: optional(
    bucket({ doc: 'the bucket in the URI, if Gemini cannot see the raw bucket' }),
  ),
  GEMINI_INPUT_DOLLARS: number({
    min: 0,
    max: 1_000,
    default: 0.3,
    doc: "price of a million tokens in, for the manifest's estimate: set it to yours",
  }),
  GEMINI_OUTPUT_DOLLARS: number({
    min: 0,
    max: 1_000,
    default: 2.5,
    doc: 'price of a million tokens out',
  }),
  DAILY_VIDEOS: integer({
    min: 0,
    max: MAX_SLOTS,
    default: 2_000,
    doc: 'videos that Gemini is asked about in a UTC day, over all instances; 0 means no limit',
  }),
  DAILY_GEMINI_CALLS: integer({
    min: 0,
    max: MAX_SLOTS,
    default: 10_000,
    doc: 'requests to Gemini in a UTC day, failed ones included; 0 means no limit',
  }),
  DAILY_VIDEOS_PER_PREFIX: integer({
    min: 0,
    max: MAX_SLOTS,
    default: 0,
    doc: '`DAILY_VIDEOS` for each first folder of upload names; 0 means no limit',
  }),
  DAILY_GEMINI_CALLS_PER_PREFIX: integer({
    min: 0,
    max: MAX_SLOTS,
    default: 0,
    doc: '`DAILY_GEMINI_CALLS` for each first folder; 0 means no limit',
  }),
  REFINE: oneOf(['stills', 'none'], {
    default: 'stills',
    doc: '`none` keeps the time of the coarse pass',
  }),
  REFINE_WINDOW_SECONDS: number({ min: 0.1, max: 20, default: 2, doc: 'window of the fine pass' }),
  REFINE_STILLS: integer({ min: 2, max: 60, default: 12, doc: 'evenly spaced stills in that window' }),
  REFINE_REQUESTS: integer({
    min: 1,
    max: 2,
    default: 2,
    doc: 'requests of the fine pass for each moment; the second is sent only if the picture changes gradually between two stills, with up to twice the stills',
  }),
  FRAME_FORMAT: oneOf(['png', 'jpeg', 'webp', 'avif'], {
    default: 'png',
    doc: 'format of stored frames',
  }),
  FRAME_WIDTH: integer({
    min: 0,
    max: 16_384,
    default: 0,
    doc: "width of stored frames; 0 keeps the video's, and a narrower frame is not enlarged",
  }),
  FRAME_QUALITY: integer({ min: 1, max: 100, default: 85, doc: 'quality of `jpeg`, `webp` and `avif`' }),
  CONTACT_SHEET: flag({
    default: false,
    doc: 'also store a sheet of the frames around each moment, if the upload does not say',
  }),
  CONTACT_SHEET_WIDTH: integer({
    min: 96,
    max: 4_096,
    default: 1_280,
    doc: 'width of the sheets in pixels, less if the video is narrow; an upload may ask for less',
  }),
  PREVIEW: flag({
    default: false,
    doc: 'also store an animated WebP of the two seconds around each moment, if the upload does not say',
  }),
  PREVIEW_WIDTH: integer({ min: 16, max: 1_280, default: 320, doc: 'width of these animations' }),
  CLIP_SECONDS: number({
    min: 0,
    max: 60,
    default: 0,
    doc: 'length of the clip stored around each moment, if the upload does not ask for less; 0 means no clips',
  }),
  CLIP_WIDTH: integer({ min: 16, max: 1_920, default: 1_280, doc: 'maximum width of clips' }),
  FFMPEG_PATH: optional(
    text({ doc: 'the ffmpeg to run; if unset, the first on `PATH` that starts, else the one from npm' }),
  ),
  ALLOW_BUNDLED_FFMPEG: optional(
    flag({
      doc: 'whether ffmpeg of 2018 from npm may run if there is no other; if unset, `false` on Google and `true` elsewhere',
    }),
  ),
  ATTEMPT_SECONDS: integer({
    min: 1,
    max: 3_500,
    default: 500,
    doc: "time of one attempt; keep it below the function's timeout",
  }),
  INSTANCE_MIB: integer({
    min: 0,
    max: 65_536,
    default: 0,
    doc: "memory that decoding must fit into; 0 is the container's limit, or half of a machine without one",
  }),
  LEASE_SECONDS: integer({ min: 1, max: 3_600, default: 60, doc: 'how long a lease outlives its owner' }),
  PRELOAD: flag({ default: false, doc: 'load everything at the first event' }),
  VERTEX_API_ENDPOINT: endpoint({ form: 'host:port', doc: 'host and port to use instead of Vertex AI' }),
};

/** Meanings and units are documented in `settings`. A 0 that means "no value" is undefined here. */
export type VideoConfig = ReturnType<typeof parseVideoConfig>;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseVideoConfig(env: Env) {
  const values = readSettings(settings, env);
  return {
    ...serviceConfig(values),
    framesBucket: values.FRAMES_BUCKET,
    /** Never read, but known: an object there is not an upload. */
    lakeBucket: values.LAKE_BUCKET,
    eventsTopic: values.EVENTS_TOPIC,
    moment: values.MOMENT_PROMPT,
    maxMoments: values.MAX_MOMENTS,
    maxQuestions: values.MAX_QUESTIONS,
    accept: {
      /** Uploads whose names start differently are rejected; empty accepts all. */
      namePrefix: values.NAME_PREFIX,
      maxBytes: values.MAX_BYTES,
      minSeconds: values.MIN_SECONDS,
      maxSeconds: values.MAX_SECONDS,
      maxSide: values.MAX_SIDE,
      maxPixels: values.MAX_PIXELS,
    },
    gemini: {
      sdk: values.GEMINI_SDK,
      model: values.GEMINI_MODEL,
      location: values.GEMINI_LOCATION,
      /** Host and port that replace Google's; undefined outside local runs. */
      apiEndpoint: values.VERTEX_API_ENDPOINT,
      fps: values.GEMINI_FPS,
      /** `uri`: Gemini opens `gs://` itself. `inline`: the request contains the bytes. */
      video: values.GEMINI_VIDEO,
      /** Bucket of the `uri`, for a local run whose uploads are copied to a real bucket. */
      bucket: values.GEMINI_VIDEO_BUCKET,
      dollarsPerMillion: { input: values.GEMINI_INPUT_DOLLARS, output: values.GEMINI_OUTPUT_DOLLARS },
    },
    /** Limits on the spending of all instances together in a UTC day; 0 means no limit. */
    daily: {
      videos: values.DAILY_VIDEOS,
      geminiCalls: values.DAILY_GEMINI_CALLS,
      videosPerPrefix: values.DAILY_VIDEOS_PER_PREFIX,
      geminiCallsPerPrefix: values.DAILY_GEMINI_CALLS_PER_PREFIX,
    },
    refine: {
      by: values.REFINE,
      windowSeconds: values.REFINE_WINDOW_SECONDS,
      stills: values.REFINE_STILLS,
      requests: values.REFINE_REQUESTS,
    },
    frame: {
      format: values.FRAME_FORMAT,
      width: values.FRAME_WIDTH || undefined,
      quality: values.FRAME_QUALITY,
    },
    /** If false, no upload can ask for a sheet. */
    contactSheet: values.CONTACT_SHEET,
    contactSheetWidth: values.CONTACT_SHEET_WIDTH,
    /** If false, no upload can ask for one. */
    preview: values.PREVIEW,
    previewWidth: values.PREVIEW_WIDTH,
    /** 0: no upload can ask for clips. */
    clipSeconds: values.CLIP_SECONDS,
    clipWidth: values.CLIP_WIDTH,
    ffmpegPath: values.FFMPEG_PATH,
    memoryBytes: values.INSTANCE_MIB === 0 ? undefined : values.INSTANCE_MIB * 1024 ** 2,
    // elsewhere the only uploads are the user's own
    allowBundledFfmpeg: values.ALLOW_BUNDLED_FFMPEG ?? values.K_SERVICE === undefined,
    attemptMs: values.ATTEMPT_SECONDS * 1_000,
    leaseMs: values.LEASE_SECONDS * 1_000,
    preload: values.PRELOAD,
  };
}
