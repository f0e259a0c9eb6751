import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Gcloud } from '../../deploy/gcloud.ts';
import { GcloudError } from '../../deploy/gcloud.ts';
import { readAll } from '../../deploy/monitoring-files.ts';
import { Names } from '../../deploy/names.ts';
import { parseOptions } from '../../deploy/options.ts';
import { smoke } from '../../deploy/smoke.ts';
import { core } from '../../functions/app.ts';
import { BUCKETS } from '../../local/cloud.ts';
import { createPublisher } from '../../shared/gcp/pubsub.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { entryOf, type LogEntry, type LogMetric, measure } from '../helpers/log-metrics.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';

const options = parseOptions(['--project', 'demo-project', '--region', 'us-central1'], {}, core);
const names = new Names({ ...options, projectNumber: '1' });

let pipeline: Pipeline;
let dir: string;

/** Log entries by the service that wrote them: the inspector's name the function whose event died. */
const entries = (): LogEntry[] =>
  pipeline.logs.map((line) => {
    const writer = line['serviceContext'] === undefined ? line['function'] : 'inspectDeadLetter';
    return entryOf(names.function(String(writer)), line);
  });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'monitoring-'));
  pipeline = await startPipeline({
    only: ['processVideo', 'ingestEvent', 'maintainTable', 'inspectDeadLetter'],
    // room for the smoke test's clip and one more
    env: { DAILY_VIDEOS: '2', REFINE_STILLS: '6', INSPECT_FULL_PER_GROUP: '1' },
    maxDeliveryAttempts: 5,
  });
}, 60_000);
afterAll(async () => {
  await pipeline?.close();
  await rm(dir, { recursive: true, force: true });
});

/** gcloud's storage commands, on the local cloud. */
function localGcloud({ cloud, upload }: Pipeline): Gcloud & { removed: string[] } {
  const removed: string[] = [];
  const generations = new Map<string, string>();
  return {
    removed,
    async change(command) {
      const words = command.map(String);
      if (words[1] === 'rm') {
        removed.push(...words.slice(2));
        return 'made';
      }
      const [, file = '', url = ''] = words.slice(1);
      const given = words.find((word) => word.startsWith('--custom-metadata='))!.slice(18);
      const metadata = Object.fromEntries(
        given.split(',').map((pair) => pair.split('=') as [string, string]),
      );
      generations.set(url, (await upload(file, nameIn(url), metadata)).generation);
      return 'made';
    },
    async read<T>(...command: string[]) {
      if (command[0] === 'functions') return { serviceConfig: { revision: 'r-1' } } as T;
      if (command[0] === 'logging') {
        const chosen = pipeline.logs.filter(({ message }) => message === 'ffmpeg chosen');
        return chosen.map((jsonPayload) => ({ jsonPayload })) as T;
      }
      return { generation: generations.get(command[3]!) } as T;
    },
    async text(...command) {
      const stored = await cloud.storage.bucket(BUCKETS.frames).get(nameIn(command[2]!));
      if (!stored) throw new GcloudError(command, 'The following URLs matched no objects or files');
      return Buffer.from(stored.body).toString();
    },
  };
}

const nameIn = (url: string): string => url.replace(/^gs:\/\/[^/]+\//, '');

test('the smoke test passes if everything works: manifest, then row', { timeout: 60_000 }, async () => {
  const said: string[] = [];
  const gcloud = localGcloud(pipeline);
  await smoke({
    gcloud,
    buckets: BUCKETS,
    decoder: { name: 'pipeline-processvideo', project: 'local', region: 'r' },
    settings: {},
    env: { ...process.env, STORAGE_API_ENDPOINT: pipeline.cloud.endpoints.gcs },
    say: (line) => said.push(line),
    waits: { manifest: 30_000, row: 30_000, log: 5_000, look: 200 },
  });
  expect(said).toEqual([
    expect.stringMatching(/^smoke: uploaded gs:\/\/raw\/smoke\/\d+\.mp4$/),
    expect.stringMatching(/^smoke: framed after \d+ s: gs:\/\/frames\/smoke\/\d+\.mp4\/\d+\/manifest\.json$/),
    expect.stringMatching(/^smoke: the function runs ffmpeg \S+ \(\/.*\)$/),
    expect.stringMatching(/^smoke: row [0-9a-f]{16} in gs:\/\/lake\/events after \d+ s$/),
    'smoke: passed; the clip and its frames were deleted',
  ]);
  expect(gcloud.removed).toEqual([
    expect.stringMatching(/^gs:\/\/raw\/smoke\/\d+\.mp4$/),
    expect.stringMatching(/^gs:\/\/frames\/smoke\/\d+\.mp4\/\d+\/\*\*$/),
  ]);
});

test('every metric finds its value and its labels in what the functions really log', {
  timeout: 90_000,
}, async () => {
  const clip = await makeEventClip(dir, 'box.mp4', { seconds: 2, box: [0.8, 1.3] });
  for (const name of ['first.mp4', 'second.mp4', 'third.mp4']) {
    // the last one exceeds the daily limit: it fails and is given up
    await pipeline.settled(await pipeline.upload(clip, name));
  }
  const publisher = createPublisher({ project: 'local', apiEndpoint: pipeline.cloud.endpoints.pubsub });
  const bytes = (text: string) => ({ data: Buffer.from(text) });
  await publisher.publish('projects/local/topics/events', [bytes('{"n":1}'), bytes('no JSON')]);
  await publisher.publish('projects/local/topics/maintenance', [bytes('{}')]);
  const isRefused = (line: Record<string, unknown>): boolean => line['code'] === 'not-json';
  await vi.waitFor(() => expect(pipeline.logs.filter(isRefused)).toHaveLength(2), { timeout: 60_000 });
  // one with the same cause as before; and that one, led back to the function that refused it
  const ledBack = { ...bytes('no JSON'), attributes: { deadLetterFunction: 'ingestEvent' } };
  await publisher.publish('projects/local/topics/events', [bytes('no JSON, too'), ledBack]);
  const metrics = await readAll('metrics', { app: core, names, options });
  const found = (body: object) =>
    entries()
      .map((entry) => measure(body as LogMetric, entry))
      .filter((one) => one !== undefined);
  const letters = () => found(metrics.find(({ name }) => name === 'dlq_messages_total')!.body);
  await vi.waitFor(
    () => {
      const silent = metrics.filter(({ body }) => found(body).length === 0).map(({ name }) => name);
      expect(silent).toEqual([]);
      expect(letters().map(({ labels }) => labels)).toEqual(
        expect.arrayContaining([
          { function: 'processVideo', code: 'over-budget', way: 'given-up' },
          { function: 'ingestEvent', code: 'not-json', way: 'refused' },
        ]),
      );
    },
    { timeout: 60_000, interval: 200 },
  );
  for (const { name, body } of metrics) {
    for (const { value, labels } of found(body)) {
      expect(value, name).toEqual(expect.any(Number));
      for (const [label, text] of Object.entries(labels))
        expect(text, `${name} ${label}`).toEqual(expect.any(String));
    }
  }
});
