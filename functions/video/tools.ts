import { AppError } from '../../shared/core/errors.ts';
import type { Logger } from '../../shared/core/log.ts';
import { crc32cOf } from '../../shared/storage/crc32c.ts';
import type { ObjectFacts, Storage } from '../../shared/storage/object-store.ts';
import { VISION_ADAPTERS } from '../../shared/vision/adapters.ts';
import type { VisionModel, VisionPart } from '../../shared/vision/vision-model.ts';
import { type FfmpegBinary, findFfmpeg } from './media/ffmpeg.ts';
import { openVideoFile } from './media/open-video.ts';
import { limitsHold } from './media/process-limits.ts';
import { openSandbox } from './media/sandbox.ts';
import type { VideoFile } from './media/video-file.ts';
import type { VideoTools } from './process-video.ts';
import { MAX_INLINE_BYTES, type VideoConfig } from './settings.ts';

let binary: Promise<FfmpegBinary> | undefined;
let opened: Promise<VisionModel> | undefined;

/** The pipeline's production tools: real storage, real ffmpeg, the real model. */
export function videoTools(
  config: VideoConfig,
  storage: Storage,
  log: Logger,
): Omit<VideoTools, 'functionName'> {
  return {
    config,
    storage,
    model: () => {
      opened ??= openModel(config);
      return opened;
    },
    async open(facts, bucket, signal) {
      binary ??= chooseFfmpeg(config, log);
      const ffmpeg = await binary;
      const video = await openVideoFile({
        store: storage.bucket(bucket),
        object: facts,
        ffmpeg,
        limits: { ...config.accept, memoryBytes: config.memoryBytes },
        signal,
        log,
      });
      return Object.assign(video, { ffmpeg: ffmpeg.version });
    },
    async partFor(facts, bucket, video) {
      const mimeType = mimeTypeOf(facts.name, video.facts.container);
      if (config.gemini.video === 'uri') {
        return { videoUri: `gs://${config.gemini.bucket ?? bucket}/${facts.name}`, mimeType };
      }
      return inlinePart(facts, bucket, mimeType);
    },
  };

  async function inlinePart(facts: ObjectFacts, bucket: string, mimeType: string): Promise<VisionPart> {
    if (facts.size > MAX_INLINE_BYTES) {
      throw new AppError(
        'too-large',
        `video must have at most ${MAX_INLINE_BYTES} bytes to be sent inline (GEMINI_VIDEO=inline), got ${facts.size}`,
      );
    }
    const stored = await storage.bucket(bucket).get(facts.name, { generation: facts.generation });
    if (!stored) throw new AppError('object-gone', `gs://${bucket}/${facts.name} no longer exists`);
    const found = crc32cOf(stored.body);
    if (facts.crc32c !== '' && found !== facts.crc32c) {
      throw new AppError(
        'unavailable',
        `the video's crc32c must be ${facts.crc32c}, got ${found} while reading`,
      );
    }
    return { inline: stored.body, mimeType };
  }
}

/**
 * Throws `invalid-config` if only npm's binary is available and it is not allowed. Logs the choice once per
 * instance.
 */
export async function chooseFfmpeg(
  config: VideoConfig,
  log: Logger,
  find = findFfmpeg,
): Promise<FfmpegBinary> {
  const ffmpeg = await find(config.ffmpegPath);
  const { path, version, source } = ffmpeg;
  if (source === 'bundled' && !config.allowBundledFfmpeg) {
    throw new AppError(
      'invalid-config',
      `the only ffmpeg here is ${version} of 2018 from npm, whose decoders no longer get fixes; ` +
        'put a current one on PATH, name it in FFMPEG_PATH, or set ALLOW_BUNDLED_FFMPEG=true',
    );
  }
  const [limits, sandbox] = await Promise.all([limitsHold(), openSandbox()]);
  log.info('ffmpeg chosen', {
    path,
    version,
    source,
    limits,
    sandbox: sandbox !== undefined,
  });
  if (!limits) log.warn('ffmpeg runs without memory and CPU time limits: this system supports none');
  if (!sandbox)
    log.warn('ffmpeg runs in the network of this instance: this system does not allow namespaces');
  return ffmpeg;
}

/** The media type by the file's contents, whatever its name says. */
function mimeTypeOf(name: string, container: VideoFile['facts']['container']): string {
  if (container === 'avi') return 'video/avi';
  if (container === 'matroska') return /\.webm$/i.test(name) ? 'video/webm' : 'video/x-matroska';
  return /\.mov$/i.test(name) ? 'video/quicktime' : 'video/mp4';
}

async function openModel({ project, gemini }: VideoConfig): Promise<VisionModel> {
  const { sdk, model, location, apiEndpoint } = gemini;
  if (!project) throw new AppError('invalid-config', 'GOOGLE_CLOUD_PROJECT must be set');
  const open = VISION_ADAPTERS.get(sdk);
  if (!open) throw new AppError('invalid-config', `unknown vision adapter ${JSON.stringify(sdk)}`);
  return open({ project, model, location, apiEndpoint });
}
