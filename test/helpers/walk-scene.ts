import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { privateBundle } from '../../build.ts';
import { BUCKETS, TOPICS } from '../../local/cloud.ts';
import { readSchemas, type SchemaFile, validatorsSource } from '../../schemas/compile.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import { runDlqHere } from './dlq.ts';
import { makeEventClip } from './event-clips.ts';
import { type CliRun, startCli } from './lake.ts';
import { type Pipeline, type PipelineOptions, startPipeline } from './pipeline.ts';
import { plainPubsub, type Received } from './pubsub.ts';

/** A group as `dlq list --json` shows it. */
export interface ShownGroup {
  group: string;
  function: string;
  code: string;
  pattern: string;
  letters: number;
  deaths: number;
  statuses: Record<string, number>;
  newest: string;
}

export interface ShownLetter {
  letter: string;
  status: string;
  function: string;
  code: string;
  concern: string;
  deaths: number;
  replays: number;
  correlationId?: string;
}

/** The whole local cloud in one folder, its `pipeline dlq`, and another subscriber of the events topic. */
export interface WalkScene {
  pipeline: Pipeline;
  clips: string;
  /** Runs `pipeline dlq` in a process of its own. */
  dlq(...args: string[]): Promise<CliRun>;
  /** The same in this process, with `--json` and whatever its exit code. */
  json<T>(...args: string[]): Promise<{ code: CliRun['code']; value: T }>;
  /** Polls until this many letters are open. */
  untilOpen(letters: number): Promise<ShownGroup[]>;
  publish(...messages: Record<string, unknown>[]): Promise<void>;
  /** Messages that the other subscriber of the events topic has received since the last call. */
  seenByOthers(): Promise<Received['message'][]>;
  rows(table: 'events' | 'dead-letters'): Promise<ScannedRow[]>;
  /** Restarts everything with other settings and another schema, as a deployment does. */
  deployAgain(env: Record<string, string>, schema: SchemaFile): Promise<void>;
  close(): Promise<void>;
}

export async function startWalk(options: PipelineOptions & { schema: SchemaFile }): Promise<WalkScene> {
  const parent = await mkdtemp(join(tmpdir(), 'dead-letter-walk-'));
  const dir = join(parent, 'cloud');
  let bundle: Awaited<ReturnType<typeof privateBundle>> | undefined;
  const start = async (env: Record<string, string>, schema: SchemaFile): Promise<Pipeline> => {
    await bundle?.remove();
    bundle = await privateBundle([withSchema(schema)]);
    return startPipeline({
      ...options,
      bundleDir: bundle.dir,
      dir,
      only: ['processVideo', 'ingestEvent', 'inspectDeadLetter'],
      maxDeliveryAttempts: 5,
      // the table is denied for a while: the inspector's 30 attempts must outlast that
      backoff: { minMs: 20, maxMs: 4_000 },
      env: { FFMPEG_PATH: process.env['FFMPEG_PATH'], ...options.env, ...env },
    });
  };
  let pipeline = await start({}, options.schema);
  const api = plainPubsub(() => pipeline.cloud.endpoints.pubsub);
  await api.createSubscription('somebody-else', TOPICS.events, { ackDeadlineSeconds: 600 });

  const dlq = (...args: string[]): Promise<CliRun> => startCli(['dlq', ...args, '--local', dir]).ended;
  const json = async <T>(...args: string[]): Promise<{ code: CliRun['code']; value: T }> => {
    const { code, stdout, stderr } = await runDlqHere([...args, '--local', dir, '--json']);
    if (stdout === '') throw new Error(`dlq ${args.join(' ')}: ${code}: ${stderr}`);
    return { code, value: JSON.parse(stdout) as T };
  };
  return {
    get pipeline() {
      return pipeline;
    },
    clips: parent,
    dlq,
    json,
    async untilOpen(letters) {
      const until = Date.now() + 120_000;
      for (;;) {
        const { value } = await json<{ total: { letters: number }; groups: ShownGroup[] }>('list');
        if (value.total.letters === letters) return value.groups;
        if (Date.now() > until) {
          throw new Error(`${letters} letters were to be open: ${JSON.stringify(value, undefined, 1)}`);
        }
        await delay(300);
      }
    },
    async publish(...messages) {
      await api.publish(TOPICS.events, ...messages);
    },
    async seenByOthers() {
      const seen: Received['message'][] = [];
      for (;;) {
        const received = await api.pull('somebody-else');
        if (received.length === 0) return seen;
        await api.acknowledge('somebody-else', ...received);
        seen.push(...received.map(({ message }) => message));
      }
    },
    rows: async (table) =>
      collectRows((await DeltaTable.open(pipeline.cloud.storage.bucket(BUCKETS.lake), table)).scan()),
    async deployAgain(env, schema) {
      await pipeline.close();
      pipeline = await start(env, schema);
    },
    async close() {
      await pipeline.close();
      await bundle?.remove();
      await rm(parent, { recursive: true, force: true });
    },
  };
}

/** The project's schemas and one more, in the functions' bundle. */
function withSchema(schema: SchemaFile): Plugin {
  return {
    name: 'with-schema',
    setup(build) {
      const own = { path: 'validators', namespace: 'with-schema' };
      build.onResolve({ filter: /\/validators\.ts$/ }, () => own);
      build.onLoad({ filter: /^validators$/, namespace: own.namespace }, () => ({
        contents: validatorsSource([...readSchemas(), schema]),
        resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
        loader: 'js',
      }));
    },
  };
}

/** A clip with one moment, and a file that is no clip. */
export async function walkClips(dir: string): Promise<{ clip: string; broken: string }> {
  const clip = await makeEventClip(dir, 'box.mp4', { seconds: 3, box: [0.8, 1.3] });
  const broken = join(dir, 'broken.mp4');
  await writeFile(broken, 'this was never a video');
  return { clip, broken };
}
