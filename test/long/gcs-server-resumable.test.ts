import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Storage } from '@google-cloud/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGcsServer } from '../../local/gcs/server.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';

const KIB_256 = 256 * 1024;
const whole = randomBytes(3 * KIB_256 + 1000);

let gcs: TestGcs;
beforeEach(async () => {
  gcs = await startTestGcs();
});
afterEach(() => gcs.close());

async function begin(
  query = '',
  headers: Record<string, string> = {},
  metadata: object = {},
): Promise<string> {
  const response = await fetch(
    `${gcs.server.url}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a.bin${query}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      body: JSON.stringify(metadata),
    },
  );
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.headers.get('location') ?? '';
}
const put = (session: string, range: string, body: Uint8Array = new Uint8Array(0)): Promise<Response> =>
  fetch(session, {
    method: 'PUT',
    headers: { 'content-range': `bytes ${range}`, connection: 'close' },
    body: Buffer.from(body),
  });
const kept = (response: Response): string | null => {
  expect(response.status).toBe(308);
  return response.headers.get('range');
};
const stored = async (): Promise<Buffer | undefined> => {
  const response = await fetch(`${gcs.server.url}/storage/v1/b/bucket/o/a.bin?alt=media`);
  return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined;
};
/** Sends the first `sent` bytes of a request that announced more, and breaks the connection. */
const breakOff = (session: string, range: string, body: Uint8Array, sent: number): Promise<void> =>
  new Promise((resolve) => {
    const headers = { 'content-range': `bytes ${range}`, 'content-length': body.length };
    const broken = httpRequest(session, { method: 'PUT', headers });
    broken.on('error', () => resolve());
    broken.write(body.subarray(0, sent), () => setTimeout(() => broken.destroy(), 50));
  });

describe('a resumable upload', () => {
  it('arrives in chunks; a status query returns its progress', async () => {
    const session = await begin(
      '',
      { 'x-upload-content-type': 'video/mp4' },
      { metadata: { moment: 'a dog' } },
    );
    expect(kept(await put(session, '*/*'))).toBeNull();
    expect(kept(await put(session, `0-${KIB_256 - 1}/*`, whole.subarray(0, KIB_256)))).toBe(
      `bytes=0-${KIB_256 - 1}`,
    );
    expect(kept(await put(session, `*/${whole.length}`))).toBe(`bytes=0-${KIB_256 - 1}`);
    expect(await stored()).toBeUndefined();
    const last = await put(
      session,
      `${KIB_256}-${whole.length - 1}/${whole.length}`,
      whole.subarray(KIB_256),
    );
    expect(await last.json()).toMatchObject({
      size: String(whole.length),
      contentType: 'video/mp4',
      metadata: { moment: 'a dog' },
    });
    expect((await stored())?.equals(whole)).toBe(true);
  });

  it.each([
    ['in one request without a range', undefined],
    ['in one request of unknown length', 'bytes 0-*/*'],
    ['in one request with its range', `bytes 0-${whole.length - 1}/${whole.length}`],
  ])('%s', async (_, range) => {
    const session = await begin();
    const headers = range === undefined ? {} : { 'content-range': range };
    expect((await fetch(session, { method: 'PUT', headers, body: whole })).status).toBe(200);
    expect((await stored())?.equals(whole)).toBe(true);
  });

  it('of an empty object', async () => {
    expect((await put(await begin(), '*/0')).status).toBe(200);
    expect(await stored()).toHaveLength(0);
  });

  it('a connection breaks in the middle of a chunk: whole quanta stay, and it continues from there', async () => {
    const session = await begin();
    await breakOff(session, `0-${whole.length - 1}/${whole.length}`, whole, 2 * KIB_256 + 5000);
    expect(kept(await put(session, '*/*'))).toBe(`bytes=0-${2 * KIB_256 - 1}`);
    const rest = whole.subarray(2 * KIB_256);
    expect((await put(session, `${2 * KIB_256}-${whole.length - 1}/${whole.length}`, rest)).status).toBe(200);
    expect((await stored())?.equals(whole)).toBe(true);
  });

  it('a restart of the server in between changes nothing', async () => {
    const session = await begin('&ifGenerationMatch=0');
    await put(session, `0-${2 * KIB_256 - 1}/*`, whole.subarray(0, 2 * KIB_256));
    await gcs.server.close();
    gcs.server = await startGcsServer({ dir: gcs.dir, port: gcs.server.port });
    expect(kept(await put(session, '*/*'))).toBe(`bytes=0-${2 * KIB_256 - 1}`);
    const rest = whole.subarray(2 * KIB_256);
    expect((await put(session, `${2 * KIB_256}-${whole.length - 1}/${whole.length}`, rest)).status).toBe(200);
    expect((await stored())?.equals(whole)).toBe(true);
    // a client that lost the last answer asks again, after another restart
    await gcs.server.close();
    gcs.server = await startGcsServer({ dir: gcs.dir, port: gcs.server.port });
    const asked = await put(session, '*/*');
    expect(asked.status).toBe(200);
    expect(await asked.json()).toMatchObject({ name: 'a.bin', size: String(whole.length) });
  });

  it('bytes sent twice count once; a gap is refused', async () => {
    const session = await begin();
    await put(session, `0-${2 * KIB_256 - 1}/*`, whole.subarray(0, 2 * KIB_256));
    const overlap = await put(
      session,
      `${KIB_256}-${3 * KIB_256 - 1}/*`,
      whole.subarray(KIB_256, 3 * KIB_256),
    );
    expect(kept(overlap)).toBe(`bytes=0-${3 * KIB_256 - 1}`);
    expect(
      (await put(session, `${4 * KIB_256}-${5 * KIB_256 - 1}/*`, whole.subarray(0, KIB_256))).status,
    ).toBe(503);
    const rest = whole.subarray(3 * KIB_256);
    await put(session, `${3 * KIB_256}-${whole.length - 1}/${whole.length}`, rest);
    expect((await stored())?.equals(whole)).toBe(true);
  });

  it('a chunk before the last: refused under 256 KiB, cut down to a multiple of it', async () => {
    const session = await begin();
    expect((await put(session, '0-999/*', whole.subarray(0, 1000))).status).toBe(400);
    expect(kept(await put(session, `0-${KIB_256 + 9}/*`, whole.subarray(0, KIB_256 + 10)))).toBe(
      `bytes=0-${KIB_256 - 1}`,
    );
  });

  it.each([
    ['more bytes than its range says', '0-9/10', whole.subarray(0, 20)],
    ['fewer bytes than its range says', '0-99/100', whole.subarray(0, 20)],
    ['no range at all in its header', 'x', whole.subarray(0, 20)],
  ])('%s: refused', async (_, range, body) => {
    expect((await put(await begin(), range, body)).status).toBe(400);
    expect(await stored()).toBeUndefined();
  });

  it('checksums announced at the start are checked at the end', async () => {
    const session = await begin('', {}, { crc32c: 'AAAAAA==' });
    expect((await put(session, `0-${whole.length - 1}/${whole.length}`, whole)).status).toBe(400);
    expect(await stored()).toBeUndefined();
    const sized = await begin('', { 'x-upload-content-length': '10' });
    expect((await put(sized, `0-${whole.length - 1}/${whole.length}`, whole)).status).toBe(400);
  });

  it('a precondition that held at the start and not at the end: 412', async () => {
    const session = await begin('&ifGenerationMatch=0');
    await gcs.storage().bucket('bucket').putIfAbsent('a.bin', Buffer.from('first'));
    expect((await put(session, `0-${whole.length - 1}/${whole.length}`, whole)).status).toBe(412);
    expect((await stored())?.toString()).toBe('first');
    await expect(begin('&ifGenerationMatch=0')).rejects.toThrow('412');
  });

  it('can be cancelled, and is then gone', async () => {
    const session = await begin();
    expect((await fetch(session, { method: 'DELETE' })).status).toBe(499);
    expect((await put(session, '*/*')).status).toBe(404);
  });

  it('two concurrent requests of one session run one after the other', async () => {
    const session = await begin();
    const range = `0-${whole.length - 1}/${whole.length}`;
    const answers = await Promise.all([
      put(session, range, whole),
      put(session, range, whole),
      put(session, '*/*'),
    ]);
    const generations = await Promise.all(
      answers
        .filter(({ status }) => status === 200)
        .map(async (answer) => ((await answer.json()) as { generation: string }).generation),
    );
    expect(generations.length).toBeGreaterThanOrEqual(2);
    expect(new Set(generations).size).toBe(1);
  });
});

describe("@google-cloud/storage's own resumable upload", () => {
  const client = (): Storage => new Storage({ apiEndpoint: gcs.server.url, projectId: 'local' });
  const large = randomBytes(10 * KIB_256 + 77);

  it.each([
    ['in one request', undefined],
    ['in chunks', 2 * KIB_256],
  ])('%s', async (_, chunkSize) => {
    const file = client().bucket('bucket').file('a.bin');
    await file.save(large, { resumable: true, ...(chunkSize !== undefined && { chunkSize }) });
    const [downloaded] = await file.download();
    expect(downloaded.equals(large)).toBe(true);
    expect(Number(file.metadata.size)).toBe(large.length);
  });

  // one fault each: the client (7.22) gives up if its status query fails, too
  it.each([
    ['chunks are answered with 503', { kind: 'status', status: 503 }, 2],
    ['connections are dropped', { kind: 'drop' }, 1],
    ['the answer to a chunk is lost', { kind: 'applied-drop' }, 1],
  ] as const)('%s: it resumes, and the bytes are right', async (_, action, skip) => {
    gcs.server.faults.add({ action, operations: ['resumable-chunk'], skip });
    const file = client().bucket('bucket').file('a.bin');
    await file.save(large, {
      resumable: true,
      chunkSize: 2 * KIB_256,
      preconditionOpts: { ifGenerationMatch: 0 },
    });
    expect((await stored())?.equals(large)).toBe(true);
  });
});
