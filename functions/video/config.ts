import { type Env, EnvReader } from '../../shared/core/config.ts';
import { refuseLoops } from '../../shared/core/loops.ts';
import { MAX_SLOTS } from '../../shared/records/slots.ts';

export interface VideoConfig {
  project: string | undefined;
  framesBucket: string;
  stateBucket: string;
  /** Not used, but known: what happens there is never an upload. */
  lakeBucket: string | undefined;
  /** Where outcomes are published; without it, nowhere. */
  eventsTopic: string | undefined;
  /** Where refused events are published, beside the records in the state bucket. */
  deadLetterTopic: string | undefined;
  /** What to look for where the upload does not say. */
  moment: string;
  /** Frames a video: a bound, of which an upload may ask for less. */
  maxMoments: number;
  accept: {
    /** Uploads whose name begins otherwise are rejected; empty accepts all. */
    namePrefix: string;
    maxBytes: number;
    minSeconds: number;
    maxSeconds: number;
    /** Longest side, in pixels. */
    maxSide: number;
    /** Width times height. */
    maxPixels: number;
  };
  gemini: {
    sdk: 'vertexai' | 'genai';
    model: string;
    location: string;
    /** Host and port that replace Google's; undefined outside local runs. */
    apiEndpoint: string | undefined;
    /** Frames a second of the coarse pass. */
    fps: number;
    /** `uri`: Gemini opens `gs://` itself. `inline`: bytes are sent along, for a bucket it cannot see. */
    video: 'uri' | 'inline';
    /** Bucket of the `uri`, where Gemini cannot see the raw one: a local run whose uploads are copied to a real one. */
    bucket: string | undefined;
    /** US dollars a million tokens, for the estimate in the manifest. */
    dollarsPerMillion: { input: number; output: number };
  };
  /** Bounds of what all instances together spend in a UTC day; 0 is no bound. */
  daily: {
    /** Videos that Gemini is asked about. */
    videos: number;
    /** Requests to Gemini, those that fail included. */
    geminiCalls: number;
    /** The same for the names in one folder, so that no uploader uses up everybody's day. */
    videosPerPrefix: number;
    geminiCallsPerPrefix: number;
  };
  refine: { by: 'stills' | 'none'; windowSeconds: number; stills: number };
  frame: { format: 'png' | 'jpeg' | 'webp' | 'avif'; width: number | undefined; quality: number };
  /** Whether sheets are made: where not, no upload can ask for one. */
  contactSheet: boolean;
  ffmpegPath: string | undefined;
  /** Memory of the instance, where it is not the container's limit. */
  memoryBytes: number | undefined;
  /** Run the ffmpeg of 2018 from npm on Google, too. */
  allowBundledFfmpeg: boolean;
  storageEndpoint: string | undefined;
  pubsubEndpoint: string | undefined;
  /** Time one attempt has, below the function's own timeout. */
  attemptMs: number;
  leaseMs: number;
  /** Load everything with the first event instead of as it is needed. */
  preload: boolean;
  /** Log each step, not the outcome alone. */
  debug: boolean;
}

/** The original demo's question. */
export const DEFAULT_MOMENT =
  'a child shows "67" with hand gestures: both palms up, moving up and down in turn';

/**
 * Largest object asked about inline: Vertex AI takes requests of 20 MB, and base64 adds a third.
 * https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
 */
export const MAX_INLINE_BYTES = 14_000_000;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseVideoConfig(env: Env): VideoConfig {
  const read = new EnvReader(env);
  const project = read.optional('GOOGLE_CLOUD_PROJECT');
  const framesBucket = read.required('FRAMES_BUCKET');
  const stateBucket = read.required('STATE_BUCKET');
  refuseLoops(read);
  const width = read.integer('FRAME_WIDTH', 0, { min: 0, max: 16_384 });
  const memoryMib = read.integer('INSTANCE_MIB', 0, { min: 0, max: 65_536 });
  const config: VideoConfig = {
    project,
    framesBucket,
    stateBucket,
    lakeBucket: read.optional('LAKE_BUCKET'),
    eventsTopic: read.topic('EVENTS_TOPIC'),
    deadLetterTopic: read.topic('DEAD_LETTER_TOPIC'),
    moment: read.string('MOMENT_PROMPT', DEFAULT_MOMENT),
    maxMoments: read.integer('MAX_MOMENTS', 1, { min: 1, max: 20 }),
    accept: {
      namePrefix: read.string('NAME_PREFIX', ''),
      maxBytes: read.integer('MAX_BYTES', 10 * 1024 ** 3, { min: 1, max: 5 * 1024 ** 4 }),
      minSeconds: read.number('MIN_SECONDS', 0, { min: 0, max: 3_600 }),
      maxSeconds: read.number('MAX_SECONDS', 2_700, { min: 0.04, max: 36_000 }),
      maxSide: read.integer('MAX_SIDE', 8_192, { min: 16, max: 16_384 }),
      maxPixels: read.integer('MAX_PIXELS', 7_680 * 4_320, { min: 256, max: 16_384 * 16_384 }),
    },
    gemini: {
      sdk: read.oneOf('GEMINI_SDK', ['vertexai', 'genai'], 'vertexai'),
      model: read.string('GEMINI_MODEL', 'gemini-3.8-flash'),
      location: read.string('GEMINI_LOCATION', 'global'),
      apiEndpoint: read.optional('VERTEX_API_ENDPOINT'),
      fps: read.number('GEMINI_FPS', 1, { min: 0.01, max: 24 }),
      video: read.oneOf('GEMINI_VIDEO', ['uri', 'inline'], 'uri'),
      bucket: read.optional('GEMINI_VIDEO_BUCKET'),
      dollarsPerMillion: {
        input: read.number('GEMINI_INPUT_DOLLARS', 0.3, { min: 0, max: 1_000 }),
        output: read.number('GEMINI_OUTPUT_DOLLARS', 2.5, { min: 0, max: 1_000 }),
      },
    },
    daily: {
      videos: read.integer('DAILY_VIDEOS', 2_000, { min: 0, max: MAX_SLOTS }),
      geminiCalls: read.integer('DAILY_GEMINI_CALLS', 10_000, { min: 0, max: MAX_SLOTS }),
      videosPerPrefix: read.integer('DAILY_VIDEOS_PER_PREFIX', 0, { min: 0, max: MAX_SLOTS }),
      geminiCallsPerPrefix: read.integer('DAILY_GEMINI_CALLS_PER_PREFIX', 0, { min: 0, max: MAX_SLOTS }),
    },
    refine: {
      by: read.oneOf('REFINE', ['stills', 'none'], 'stills'),
      windowSeconds: read.number('REFINE_WINDOW_SECONDS', 2, { min: 0.1, max: 20 }),
      stills: read.integer('REFINE_STILLS', 12, { min: 2, max: 60 }),
    },
    frame: {
      format: read.oneOf('FRAME_FORMAT', ['png', 'jpeg', 'webp', 'avif'], 'png'),
      width: width === 0 ? undefined : width,
      quality: read.integer('FRAME_QUALITY', 85, { min: 1, max: 100 }),
    },
    contactSheet: read.boolean('CONTACT_SHEET', false),
    ffmpegPath: read.optional('FFMPEG_PATH'),
    memoryBytes: memoryMib === 0 ? undefined : memoryMib * 1024 ** 2,
    // Elsewhere it is nobody's door but the user's own.
    allowBundledFfmpeg: read.boolean('ALLOW_BUNDLED_FFMPEG', read.optional('K_SERVICE') === undefined),
    storageEndpoint: read.optional('STORAGE_API_ENDPOINT'),
    pubsubEndpoint: read.optional('PUBSUB_API_ENDPOINT'),
    attemptMs: read.integer('ATTEMPT_SECONDS', 500, { min: 1, max: 3_500 }) * 1_000,
    leaseMs: read.integer('LEASE_SECONDS', 60, { min: 1, max: 3_600 }) * 1_000,
    preload: read.boolean('PRELOAD', false),
    debug: read.oneOf('LOG_LEVEL', ['info', 'debug'], 'info') === 'debug',
  };
  read.finish();
  return config;
}
