import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectResource } from '../../local/gcs/records.ts';
import { type GcsServer, startGcsServer } from '../../local/gcs/server.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';

let gcs: TestGcs;
let told: { object: ObjectResource; id: string }[];

beforeEach(async () => {
  told = [];
  gcs = await startTestGcs({
    onFinalized: (object, id) => {
      told.push({ object, id });
    },
  });
});
afterEach(() => gcs.close());

const write = async (name: string): Promise<void> => {
  const outcome = await gcs
    .storage()
    .bucket('bucket')
    .putIfAbsent(name, Buffer.from('123456789'), {
      contentType: 'video/mp4',
      metadata: { moment: 'a dog' },
    });
  expect(outcome.kind).toBe('written');
};
const waiting = (server: GcsServer = gcs.server): string[] =>
  server.outbox.pending().map(({ object }) => object.name);

describe('finalized events', () => {
  it('carry the whole object resource', async () => {
    await write('a.mp4');
    expect(told).toEqual([
      {
        id: told[0]!.object.generation,
        object: {
          kind: 'storage#object',
          id: `bucket/a.mp4/${told[0]!.id}`,
          selfLink: `${gcs.server.url}/storage/v1/b/bucket/o/a.mp4`,
          mediaLink: `${gcs.server.url}/download/storage/v1/b/bucket/o/a.mp4?generation=${told[0]!.id}&alt=media`,
          name: 'a.mp4',
          bucket: 'bucket',
          generation: told[0]!.id,
          metageneration: '1',
          contentType: 'video/mp4',
          metadata: { moment: 'a dog', 'x-write-id': expect.any(String) },
          storageClass: 'STANDARD',
          size: '9',
          md5Hash: 'JfnnlDI7RTiF9RgfG2JNCw==',
          crc32c: '4waSgw==',
          etag: expect.any(String),
          timeCreated: expect.any(String),
          updated: expect.any(String),
          timeStorageClassUpdated: expect.any(String),
          timeFinalized: expect.any(String),
        },
      },
    ]);
  });

  it('wait until they are acknowledged, across restarts and deletes', async () => {
    await write('first');
    await write('second');
    await gcs.storage().bucket('bucket').delete('first');
    expect(waiting()).toEqual(['first', 'second']);
    await gcs.server.close();
    gcs.server = await startGcsServer({ dir: gcs.dir, events: true });
    expect(waiting()).toEqual(['first', 'second']);
    const [first] = gcs.server.outbox.pending();
    expect(gcs.server.outbox.ack(first!.id)).toBe(true);
    expect(gcs.server.outbox.ack(first!.id)).toBe(false);
    await gcs.server.close();
    gcs.server = await startGcsServer({ dir: gcs.dir, events: true });
    expect(waiting()).toEqual(['second']);
  });

  it('are sent for overwrites, copies and composed objects; not for patches and failed uploads', async () => {
    await write('a');
    const object = `${gcs.server.url}/storage/v1/b/bucket/o/a`;
    const headers = { 'content-type': 'application/json' };
    await fetch(object, { method: 'PATCH', headers, body: '{"cacheControl":"x"}' });
    const upload = `${gcs.server.url}/upload/storage/v1/b/bucket/o?uploadType=media&name=a`;
    expect((await fetch(`${upload}&ifGenerationMatch=0`, { method: 'POST', body: 'x' })).status).toBe(412);
    await fetch(upload, { method: 'POST', body: 'x' });
    await fetch(`${object}/copyTo/b/bucket/o/copy`, { method: 'POST' });
    const sources = JSON.stringify({ sourceObjects: [{ name: 'a' }] });
    await fetch(`${gcs.server.url}/storage/v1/b/bucket/o/joined/compose`, {
      method: 'POST',
      headers,
      body: sources,
    });
    expect(told.map((event) => event.object.name)).toEqual(['a', 'a', 'copy', 'joined']);
  });

  it('a consumer that throws does not fail the upload, and is offered the event again', async () => {
    await gcs.server.close();
    const onFinalized = vi.fn(() => {
      if (onFinalized.mock.calls.length < 3) throw new Error('disk full');
    });
    gcs.server = await startGcsServer({ dir: gcs.dir, onFinalized });
    await write('a');
    await vi.waitFor(() => expect(onFinalized).toHaveBeenCalledTimes(3), 10_000);
    expect(waiting()).toEqual(['a']);
  });

  it('are not kept if nobody consumes them', async () => {
    const quiet = await startTestGcs();
    await quiet.storage().bucket('bucket').putIfAbsent('a', Buffer.from('x'));
    expect(waiting(quiet.server)).toEqual([]);
    await quiet.close();
  });
});

describe('one folder', () => {
  it('is served by one server at a time', async () => {
    await expect(startGcsServer({ dir: gcs.dir })).rejects.toThrow(
      `in use by the server at ${gcs.server.url}`,
    );
    await write('still-works');
  });
});
