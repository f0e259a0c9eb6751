import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUCKETS } from '../../local/cloud.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { binaryRequest, finalizedEvent } from '../helpers/events.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';

let clips: string;
let pipeline: Pipeline;

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'ingest-video-'));
  // refused events of unknown type would show here
  pipeline = await startPipeline({ only: ['processVideo', 'ingestEvent'], env: { UNKNOWN_TYPES: 'refuse' } });
});
afterAll(async () => {
  await pipeline.close();
  await rm(clips, { recursive: true, force: true });
});

async function rowsOf(upload: { name: string }, count = 1): Promise<ScannedRow[]> {
  for (let tries = 0; tries < 200; tries++) {
    const table = await DeltaTable.open(pipeline.cloud.storage.bucket(BUCKETS.lake), 'events').catch(
      () => undefined,
    );
    const rows = table ? await collectRows(table.scan()) : [];
    const found = rows.filter((row) => row['subject'] === `objects/${encodeURI(upload.name)}`);
    if (found.length >= count) return found;
    await delay(50);
  }
  throw new Error(`no event of ${upload.name} in the table`);
}

test('an upload ends as a row of video.framed with the facts of its manifest', async () => {
  const upload = await pipeline.upload(
    await makeEventClip(clips, 'box.mp4', { seconds: 6, box: [3.7, 4.3] }),
    undefined,
    {
      'correlation-id': 'order-7',
    },
  );
  const manifest = await pipeline.manifestOf(upload);
  const [row] = await rowsOf(upload);
  expect(row).toMatchObject({
    type: 'video.framed',
    source: '/processVideo/raw',
    dataschema: 'schemas/video.framed/1.json',
    correlation_id: 'order-7',
    causation_id: manifest.eventId,
    time: BigInt(Date.parse(manifest.createdAt)) * 1_000n,
  });
  const data = JSON.parse(String(row!['data']));
  expect(data).toMatchObject({
    manifest: { bucket: 'frames', name: `box.mp4/${upload.generation}/manifest.json` },
    source: manifest.source,
    moments: [{ seconds: manifest.moments[0]?.seconds, frame: manifest.moments[0]?.frame }],
    tokens: { total: manifest.tokens?.total },
    attempts: 1,
  });
});

test('a clip without the moment, and a file that is no clip, end as rows, too', async () => {
  const still = await pipeline.upload(await makeEventClip(clips, 'nothing.mp4', { seconds: 3 }));
  const text = join(clips, 'text ü.mp4');
  await writeFile(text, 'this is text');
  const rejected = await pipeline.upload(text);
  expect((await rowsOf(still))[0]).toMatchObject({ type: 'video.no-moment' });
  const [row] = await rowsOf(rejected);
  expect(row).toMatchObject({ type: 'video.rejected' });
  const { rejection } = await pipeline.manifestOf(rejected);
  expect(JSON.parse(String(row!['data']))).toMatchObject({ rejection });
});

test('a redelivered upload is published once, and is one row even if published twice', async () => {
  const upload = await pipeline.upload(await makeEventClip(clips, 'again.mp4', { seconds: 3 }));
  await pipeline.manifestOf(upload);
  const url = pipeline.cloud.endpoints.functions['processVideo']!;
  const deliver = async (): Promise<number> =>
    (await fetch(url, { method: 'POST', ...binaryRequest(finalizedEvent({ ...upload, bucket: 'raw' })) }))
      .status;
  const publishes = () => pipeline.cloud.pubsub!.stats().operations.publish;
  const state = pipeline.cloud.storage.bucket(BUCKETS.state);
  const records = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of state.list({ prefix: 'videos/' })) names.push(name);
    return names.filter((name) => name.endsWith(`${upload.generation}/published.json`));
  };
  for (let tries = 0; tries < 200 && (await records()).length === 0; tries++) await delay(20);
  const before = publishes();
  expect(await deliver()).toBe(204);
  expect(publishes()).toBe(before);
  // as if it died between publishing and recording it
  for (const name of await records()) await state.delete(name);
  expect(await deliver()).toBe(204);
  expect(publishes()).toBe(Number(before) + 1);
  await delay(500);
  expect(await rowsOf(upload)).toHaveLength(1);
  expect(pipeline.deadLetters()).toBe(0);
});
