import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { plainClient, type Resource } from '../helpers/gcs-http.ts';

let gcs: TestGcs;
const { at, call, created, fresh, objectPath, upload } = plainClient(() => gcs);

beforeAll(async () => {
  gcs = await startTestGcs();
});
afterAll(() => gcs.close());

describe('buckets', () => {
  it('are created, found, listed, changed and deleted', async () => {
    const made = await call('POST', '/storage/v1/b?project=p', { name: 'my.bucket-1', location: 'EU' });
    expect(made.status).toBe(200);
    expect(await made.json()).toMatchObject({
      kind: 'storage#bucket',
      name: 'my.bucket-1',
      location: 'EU',
      metageneration: '1',
    });
    expect(await (await call('GET', '/storage/v1/b/my.bucket-1')).json()).toMatchObject({
      id: 'my.bucket-1',
    });
    const patched = await call('PATCH', '/storage/v1/b/my.bucket-1?ifMetagenerationMatch=1', {
      labels: { a: 'b' },
    });
    expect(await patched.json()).toMatchObject({ metageneration: '2', labels: { a: 'b' }, location: 'EU' });
    expect((await call('PATCH', '/storage/v1/b/my.bucket-1?ifMetagenerationMatch=1', {})).status).toBe(412);
    const list = (await (await call('GET', '/storage/v1/b?project=p')).json()) as { items: Resource[] };
    expect(list.items.map(({ name }) => name)).toEqual(['bucket', 'my.bucket-1']);
    expect((await call('DELETE', '/storage/v1/b/my.bucket-1')).status).toBe(204);
    expect((await call('GET', '/storage/v1/b/my.bucket-1')).status).toBe(404);
  });

  it("errors have Google's bodies and codes", async () => {
    expect((await call('POST', '/storage/v1/b', { name: 'bucket' })).status).toBe(409);
    const missing = await call('GET', '/storage/v1/b/nothing-here/o');
    expect(missing.status).toBe(404);
    expect(await missing.json()).toEqual({
      error: {
        code: 404,
        message: 'The specified bucket does not exist.',
        errors: [{ message: 'The specified bucket does not exist.', domain: 'global', reason: 'notFound' }],
      },
    });
    await created('keeps-the-bucket');
    expect((await call('DELETE', '/storage/v1/b/bucket')).status).toBe(409);
  });

  it.each(['', 'ab', 'UPPER', '-a-b', 'a..b', '../etc', 'a/b', 'ä-bucket', 'x'.repeat(64)])(
    'cannot be named %j',
    async (name) => {
      expect((await call('POST', '/storage/v1/b', { name })).status).toBe(400);
    },
  );
});

describe('uploads', () => {
  it('by media: the whole resource is returned', async () => {
    const name = 'folder/größe 1.txt';
    const response = await upload(name, '123456789');
    const resource = (await response.json()) as Resource;
    const path = `b/bucket/o/folder%2Fgr%C3%B6%C3%9Fe%201.txt`;
    expect(resource).toEqual({
      kind: 'storage#object',
      id: `bucket/${name}/${resource.generation}`,
      selfLink: at(`/storage/v1/${path}`),
      mediaLink: at(`/download/storage/v1/${path}?generation=${resource.generation}&alt=media`),
      name,
      bucket: 'bucket',
      generation: expect.stringMatching(/^\d{16}$/),
      metageneration: '1',
      contentType: 'text/plain',
      storageClass: 'STANDARD',
      size: '9',
      md5Hash: 'JfnnlDI7RTiF9RgfG2JNCw==',
      crc32c: '4waSgw==',
      etag: expect.any(String),
      timeCreated: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated: resource['timeCreated'],
      timeStorageClassUpdated: resource['timeCreated'],
      timeFinalized: resource['timeCreated'],
    });
    expect(await (await fetch(resource['mediaLink'] as string)).text()).toBe('123456789');
  });

  it.each([
    ['\r\n', 'b', 'b'],
    ['\n', "'b'", "'b'"],
    ['\r\n', '"===x=="', '===x=='],
  ])('in two parts, with line endings %j and boundary %s', async (line, given, boundary) => {
    const name = fresh();
    const media = `one${line}--not the boundary${line}two`;
    const quoted = given.startsWith("'") ? `"${boundary}"` : given;
    const body = [
      `--${boundary}`,
      'Content-Type: application/json; charset=UTF-8',
      '',
      JSON.stringify({ name, metadata: { k: 'v' }, cacheControl: 'no-cache' }),
      `--${boundary}`,
      'content-type: video/mp4',
      '',
      media,
      `--${boundary}--`,
      '',
    ].join(line);
    const response = await fetch(at('/upload/storage/v1/b/bucket/o?uploadType=multipart'), {
      method: 'POST',
      headers: { 'content-type': `multipart/related; boundary=${quoted}` },
      body,
    });
    expect(await response.json()).toMatchObject({
      name,
      contentType: 'video/mp4',
      metadata: { k: 'v' },
      cacheControl: 'no-cache',
    });
    expect(await (await fetch(at(`${objectPath(name)}?alt=media`))).text()).toBe(media);
  });

  it.each([
    ['crc32c', 'crc32c=AAAAAA=='],
    ['md5', 'md5=AAAAAAAAAAAAAAAAAAAAAA=='],
    ['one of two', 'crc32c=4waSgw==,md5=AAAAAAAAAAAAAAAAAAAAAA=='],
  ])('with a wrong %s are refused, and nothing is stored', async (_, sum) => {
    const name = fresh();
    const response = await upload(name, '123456789', '', { 'x-goog-hash': sum });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(
      /doesn't match calculated/,
    );
    expect((await call('GET', objectPath(name))).status).toBe(404);
  });

  it('with correct checksums are accepted', async () => {
    const md5 = createHash('md5').update('123456789').digest('base64');
    const headers = { 'x-goog-hash': `crc32c=4waSgw==,md5=${md5}`, 'content-md5': md5 };
    expect((await upload(fresh(), '123456789', '', headers)).status).toBe(200);
  });

  it.each(['.', '..', 'a\nb', 'a\rb', '.well-known/acme-challenge/x', 'é'.repeat(513)])(
    'cannot be named %j',
    async (name) => {
      expect((await upload(name, 'x')).status).toBe(400);
    },
  );

  it('without a name, or to a missing bucket, are refused', async () => {
    const nameless = await fetch(at('/upload/storage/v1/b/bucket/o?uploadType=media'), {
      method: 'POST',
      body: 'x',
    });
    expect(nameless.status).toBe(400);
    const nowhere = await fetch(at('/upload/storage/v1/b/nowhere/o?uploadType=media&name=a'), {
      method: 'POST',
      body: 'x',
    });
    expect(nowhere.status).toBe(404);
  });

  it('raise the generation each time, whatever was deleted', async () => {
    const name = fresh();
    const generations: bigint[] = [];
    for (let round = 0; round < 20; round++) {
      generations.push(BigInt((await created(name)).generation));
      if (round % 3 === 0) await call('DELETE', objectPath(name));
    }
    expect(generations.every((one, index) => index === 0 || one > generations[index - 1]!)).toBe(true);
  });
});

describe('no name leads out of the folder', () => {
  it.each([
    '../../../../etc/passwd',
    '/etc/passwd',
    '..\\..\\x',
    'a/../../../../../../tmp/out',
    'journal.ndjson',
    'bodies/../journal.ndjson',
    'nul\u0000byte',
    '%2e%2e%2f%2e%2e',
    `${'a/'.repeat(500)}deep`,
    'CON',
    '😀',
  ])('%j', async (name) => {
    expect((await created(name, `body of ${name}`)).name).toBe(name);
    expect(await (await fetch(at(`${objectPath(name)}?alt=media`))).text()).toBe(`body of ${name}`);
    expect((await readdir(gcs.dir)).sort()).toEqual(['bodies', 'journal.ndjson', 'server.json', 'uploads']);
    const files = await readdir(join(gcs.dir, 'bodies'), { recursive: true });
    expect(files.every((file) => /^[0-9a-f]{2}(?:\/[0-9a-f-]{36})?$/.test(file))).toBe(true);
    expect(await readdir(dirname(gcs.dir))).toEqual(['data']);
  });

  it('not as a raw path either', async () => {
    for (const path of [
      '/../../etc/passwd',
      '/storage/v1/b/../../etc',
      '/storage/v1/b/bucket/o/%ff',
      '/%2e%2e/x',
    ]) {
      expect([400, 404]).toContain((await fetch(at(path))).status);
    }
  });
});
