import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../functions/video/manifest.ts';
import { BUCKETS, type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/cloud.ts';
import { uploadFile } from '../../local/upload.ts';
import { type Outcome, UploadTracker } from '../../local/uploads.ts';
import { sharedBundle } from './shared-bundle.ts';

/** A local cloud for one test file, in its own folder, that tracks its uploads. */
export interface Pipeline {
  cloud: LocalCloud;
  dir: string;
  /** JSON lines of the functions' logs so far. */
  logs: Record<string, unknown>[];
  upload(
    file: string,
    name?: string,
    metadata?: Record<string, string>,
  ): Promise<{ name: string; generation: string }>;
  settled(upload: { name: string; generation: string }): Promise<Outcome>;
  manifestOf(upload: { name: string; generation: string }): Promise<Manifest>;
  /** Number of messages waiting on the dead-letter topic. */
  deadLetters(): number;
  /** Names of everything in a bucket. */
  names(bucket: keyof typeof BUCKETS): Promise<string[]>;
  close(): Promise<void>;
}

export type PipelineOptions = Omit<LocalCloudOptions, 'dir'> & {
  /** A folder of the caller, kept on close so that a later pipeline can continue from it. */
  dir?: string;
  /** Called with each line of a function's output that is no log entry. */
  onStrayLine?: (line: string) => void;
};

let bundled: ReturnType<typeof sharedBundle> | undefined;

export async function startPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  if (options.bundleDir === undefined) bundled ??= sharedBundle();
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'pipeline-test-')));
  const tracker = new UploadTracker(() => {});
  const logs: Record<string, unknown>[] = [];
  const cloud = await startLocalCloud({
    ...(bundled && { bundleDir: await bundled }),
    backoff: { minMs: 20, maxMs: 200 },
    only: ['processVideo'],
    ...options,
    // a still costs as much as the rest of a short clip
    env: { REFINE_STILLS: '6', ...options.env },
    dir,
    events: {
      ...options.events,
      ...tracker.events,
      onFinalized: (resource) => {
        options.events?.onFinalized?.(resource);
        tracker.events.onFinalized?.(resource);
      },
      onFunctionLine: (name, line) => {
        options.events?.onFunctionLine?.(name, line);
        tracker.events.onFunctionLine?.(name, line);
        if (line.startsWith('{')) logs.push(JSON.parse(line));
        else options.onStrayLine?.(line);
      },
    },
  });
  const read = async (name: string): Promise<Manifest> => {
    const stored = await cloud.storage.bucket(BUCKETS.frames).get(name);
    if (!stored) throw new Error(`no manifest ${name}`);
    return JSON.parse(Buffer.from(stored.body).toString());
  };
  return {
    cloud,
    dir,
    logs,
    upload: (file, name, metadata) =>
      uploadFile(file, {
        apiEndpoint: cloud.endpoints.gcs,
        bucket: BUCKETS.raw,
        ...(name !== undefined && { name }),
        ...(metadata && { metadata }),
      }),
    settled: ({ name, generation }) => tracker.settled(name, generation),
    async manifestOf({ name, generation }) {
      const outcome = await tracker.settled(name, generation);
      if (outcome.kind === 'dead-letter') throw new Error(`dead letter: ${outcome.reason}`);
      return read(outcome.name);
    },
    deadLetters() {
      if (!cloud.pubsub) throw new Error('somebody else keeps the messages');
      const { subscriptions } = cloud.pubsub.stats();
      const [, kept] =
        Object.entries(subscriptions).find(([name]) => name.endsWith('dead-letters-kept')) ?? [];
      if (!kept) throw new Error('nobody keeps the dead letters');
      return kept.backlog;
    },
    async names(bucket) {
      const found: string[] = [];
      for await (const { name } of cloud.storage.bucket(BUCKETS[bucket]).list()) found.push(name);
      return found;
    },
    async close() {
      await cloud.close();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
      bundled = undefined;
    },
  };
}
