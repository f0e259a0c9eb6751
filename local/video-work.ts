import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '../functions/video/media/ffmpeg.ts';
import { BUCKETS, type CloudEvents, type LocalCloud, TOPICS } from './cloud.ts';
import { CopyError, type CopyOptions } from './copy-out.ts';
import { makeDemoClip } from './demo-clip.ts';
import { collect } from './process-files.ts';
import { describeResult, stagePrinter } from './report.ts';
import { printable } from './terminal-text.ts';
import { uploadFile } from './upload.ts';
import { type Outcome, UploadTracker } from './uploads.ts';
import { gcloudAt, type Work, type WorkOptions } from './work.ts';

export interface VideoWorkOptions extends WorkOptions {
  /** Folder for copies of frames and manifests. */
  out: string;
  copies: CopyOptions;
  /** What to look for in the given files. */
  moment: string | undefined;
}

type Result = Awaited<ReturnType<typeof collect>>;

/** Videos: reports each stage of each upload and copies out its results, for every uploader. */
export class VideoWork implements Work {
  readonly events: CloudEvents;
  readonly #tracker: UploadTracker;
  readonly #results: Promise<Result | undefined>[] = [];
  #cloud: LocalCloud | undefined;
  readonly #options: VideoWorkOptions;

  constructor(options: VideoWorkOptions) {
    this.#options = options;
    this.#tracker = new UploadTracker(stagePrinter(options.print), (name, outcome) => {
      if (this.#cloud) this.#results.push(this.#report(this.#cloud, name, outcome));
    });
    this.events = this.#tracker.events;
  }

  /** Processes the files, or a demo clip; their stages read as a story. */
  async run(cloud: LocalCloud, files: readonly string[]): Promise<boolean> {
    this.#cloud = cloud;
    const { moment } = this.#options;
    const metadata: Record<string, string> = { ...(moment !== undefined && { moment }) };
    if (files.length === 0) metadata['moment-2'] = 'the sun is hidden';
    const demo = files.length === 0 ? await mkdtemp(join(tmpdir(), 'pipeline-demo-')) : undefined;
    try {
      if (demo) {
        const ffmpeg = await findFfmpeg(process.env['FFMPEG_PATH']);
        await makeDemoClip({ path: join(demo, 'demo.mp4'), ffmpeg: ffmpeg.path });
      }
      const geminiBucket = process.env['GEMINI_VIDEO_BUCKET'];
      for (const file of demo ? [join(demo, 'demo.mp4')] : files) {
        if (geminiBucket) await uploadFile(file, { bucket: geminiBucket });
        const apiEndpoint = cloud.endpoints.gcs;
        const { name, generation } = await uploadFile(file, { apiEndpoint, bucket: BUCKETS.raw, metadata });
        await this.#tracker.settled(name, generation);
      }
    } finally {
      if (demo) await rm(demo, { recursive: true, force: true });
    }
    return (await Promise.all(this.#results)).every((result) => result?.manifest?.outcome === 'framed');
  }

  next({ endpoints }: LocalCloud): string[] {
    return [
      'It keeps running. Upload a video of your own, for example:',
      `  ${gcloudAt('STORAGE', endpoints.gcs)}gcloud storage cp my.mp4 gs://${BUCKETS.raw}/`,
      `  ${gcloudAt('PUBSUB', endpoints.pubsub)}gcloud pubsub topics publish ${TOPICS.events} --message '{"hello":"world"}'`,
      '  npx pipeline process my.mp4 --moment "the dog catches the ball"',
    ];
  }

  /** Undefined if the results could not be copied: this is reported, but does not stop the others. */
  async #report(cloud: LocalCloud, name: string, outcome: Outcome): Promise<Result | undefined> {
    const { out, copies, print, complain } = this.#options;
    try {
      const result = await collect(cloud, outcome, out, copies);
      print(['', ...describeResult({ file: name, ...result }), ''].join('\n'));
      return result;
    } catch (error) {
      const why = error instanceof CopyError ? `--out ${error.message}` : String((error as Error).message);
      complain(`${printable(name)}: could not copy its results: ${printable(why)}`);
      return undefined;
    }
  }
}
