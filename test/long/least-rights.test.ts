import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { core } from '../../functions/app.ts';
import { startBrain } from '../../local/brain.ts';
import { startFunction } from '../../local/function-process.ts';
import { freePort } from '../../local/ports.ts';
import { placeVariables } from '../../shared/app/app-settings.ts';
import { functionNamed } from '../../shared/app/define-app.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { finalizedEvent } from '../helpers/events.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { startTestGcs } from '../helpers/gcs.ts';
import { post, startIngest } from '../helpers/ingest.ts';
import { pubsubMessage } from '../helpers/messages.ts';
import { startTestPubsub } from '../helpers/pubsub.ts';
import { type RoleProxy, startRoleProxy } from '../helpers/role-proxy.ts';
import { sharedBundle } from '../helpers/shared-bundle.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function proxyFor(name: string): Promise<RoleProxy> {
  const proxy = await startRoleProxy(functionNamed(core, name)!, core);
  cleanups.push(proxy.close);
  return proxy;
}

async function sceneOf(functionName: string, env: Record<string, string> = {}) {
  const proxy = await proxyFor(functionName);
  const scene = await startIngest({ functionName, env: { ...env, STORAGE_API_ENDPOINT: proxy.url } });
  cleanups.push(scene.close);
  proxy.target = scene.gcs.server.url;
  return { proxy, scene };
}

const event = (n: number) => pubsubMessage({ messageId: `m-${n}`, data: JSON.stringify({ n }) });

test('ingestEvent adds rows, moves the hint and records failures, and can delete no row', async () => {
  const { proxy, scene } = await sceneOf('ingestEvent', { CHECKPOINT_COMMITS: '2', FLUSH_MS: '0' });
  for (let n = 0; n < 8; n++) expect(await scene.deliver(event(n))).toBe(204);
  await Promise.all(Array.from({ length: 8 }, (_, n) => scene.deliver(event(n))));
  expect(await scene.deliver('no message')).toBe(204);
  await expect.poll(() => proxy.replaced.length).toBeGreaterThan(0);
  expect(await scene.rows()).toHaveLength(8);
  expect(proxy.refused).toEqual([]);
  expect(proxy.replaced.filter((name) => !/^lake.*(_last_checkpoint|\.bin)$/.test(name))).toEqual([]);
});

test('two instances add rows to one table without the right to delete', async () => {
  const proxy = await proxyFor('ingestEvent');
  const scene = await startIngest({ instances: 2, env: { FLUSH_MS: '0', STORAGE_API_ENDPOINT: proxy.url } });
  cleanups.push(scene.close);
  proxy.target = scene.gcs.server.url;
  const codes = await Promise.all(Array.from({ length: 30 }, (_, n) => scene.deliver(event(n), n % 2)));
  expect(new Set(codes)).toEqual(new Set([204]));
  expect(await scene.rows()).toHaveLength(30);
  expect(proxy.refused).toEqual([]);
});

test('maintainTable replaces the lease and files of the table, and no record', async () => {
  const { proxy, scene } = await sceneOf('maintainTable');
  const table = await openEventsTable(scene.lake, 'events');
  for (let commit = 0; commit < 8; commit++) await table.append([{ event_id: `e-${commit}`, data: '{}' }]);
  expect(await scene.deliver(pubsubMessage({ data: '{}' }))).toBe(204);
  expect((await table.snapshot()).files.size).toBe(1);
  expect(proxy.refused).toEqual([]);
  expect(proxy.replaced.filter((name) => name.startsWith('state/'))).toEqual(
    expect.arrayContaining([expect.stringMatching(/^state\/maintenance\/.*\/lease\.json$/)]),
  );
});

test('inspectDeadLetter stores a letter and its row, twice delivered, and deletes nothing', async () => {
  const { proxy, scene } = await sceneOf('inspectDeadLetter', { FLUSH_MS: '0' });
  const letter = pubsubMessage({
    messageId: '77',
    data: '{"n":1}',
    attributes: {
      CloudPubSubDeadLetterSourceSubscription: 's',
      CloudPubSubDeadLetterSourceDeliveryCount: '5',
    },
  });
  expect(await scene.deliver(letter)).toBe(204);
  expect(await scene.deliver(letter)).toBe(204);
  expect(proxy.refused).toEqual([]);
  expect(proxy.replaced.filter((name) => !/_last_checkpoint$|\.bin$/.test(name))).toEqual([]);
});

test('processVideo frames an upload, announced twice, and replaces only its lease', async () => {
  const proxy = await proxyFor('processVideo');
  const dir = await mkdtemp(join(tmpdir(), 'least-rights-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const gcs = await startTestGcs({ buckets: ['raw', 'frames', 'state'] });
  const pubsub = await startTestPubsub({ projectId: 'local', topics: ['events', 'dead-letters'] });
  const brain = await startBrain({ dir, gcsUrl: gcs.server.url, ffmpegPath: undefined, port: undefined });
  cleanups.push(
    () => gcs.close(),
    () => pubsub.close(),
    () => brain.close(),
  );
  proxy.target = gcs.server.url;
  const source = await sharedBundle();
  const video = await startFunction({
    name: 'processVideo',
    port: await freePort(),
    env: {
      ...Object.fromEntries(placeVariables(core)),
      STORAGE_API_ENDPOINT: proxy.url,
      PUBSUB_API_ENDPOINT: pubsub.server.url,
      REFINE_STILLS: '6',
      ...brain.env,
    },
    source,
    onLine: () => {},
  });
  cleanups.push(() => video.close());
  const raw = gcs.storage().bucket('raw');
  const clip = await readFile(await makeEventClip(dir, 'box.mp4', { seconds: 4, box: [1.7, 2.3] }));
  const put = await raw.putIfAbsent('box.mp4', clip, { contentType: 'video/mp4' });
  if (put.kind !== 'written') throw new Error('the clip was there');
  const { generation, size } = put.facts;
  const announced = finalizedEvent({ bucket: 'raw', name: 'box.mp4', generation, size: String(size) });
  expect(await Promise.all([post(video.url, announced), post(video.url, announced)])).toContain(204);
  expect(await post(video.url, announced)).toBe(204);
  const frames: string[] = [];
  for await (const { name } of gcs.storage().bucket('frames').list()) frames.push(name);
  expect(frames).toContain(`box.mp4/${generation}/manifest.json`);
  expect(frames.length).toBeGreaterThan(1);
  expect(proxy.refused).toEqual([]);
  expect(proxy.replaced.length).toBeGreaterThan(0);
  expect(proxy.replaced.filter((name) => !/^state\/videos\/.*\/lease\.json$/.test(name))).toEqual([]);
}, 60_000);
