import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { plainClient, type Resource } from '../helpers/gcs-http.ts';

let gcs: TestGcs;
const { at, call, created, fresh, objectPath, upload } = plainClient(() => gcs);

beforeAll(async () => {
  gcs = await startTestGcs();
});
afterAll(() => gcs.close());

describe('reads', () => {
  it.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=3-3', 206, '3', 'bytes 3-3/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=7-100', 206, '789', 'bytes 7-9/10'],
    ['bytes=-4', 206, '6789', 'bytes 6-9/10'],
    ['bytes=-100', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=5-2', 200, '0123456789', null],
    ['bytes=0-1,3-4', 200, '0123456789', null],
    ['lines=1-2', 200, '0123456789', null],
  ])('range %s', async (range, status, text, contentRange) => {
    await created('digits', '0123456789');
    const response = await fetch(at(`${objectPath('digits')}?alt=media`), { headers: { range } });
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(text);
    expect(response.headers.get('content-range')).toBe(contentRange);
    if (status !== 416) expect(response.headers.get('content-length')).toBe(String(text.length));
  });

  it("carry checksums, generation and the object's settings", async () => {
    const name = fresh();
    const { generation } = await created(name, '123456789');
    await call('PATCH', objectPath(name), {
      cacheControl: 'max-age=1',
      contentLanguage: 'de',
      contentDisposition: 'inline',
    });
    const response = await fetch(at(`${objectPath(name)}?alt=media`));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/plain',
      'cache-control': 'max-age=1',
      'content-language': 'de',
      'content-disposition': 'inline',
      'x-goog-generation': generation,
      'x-goog-metageneration': '2',
      'x-goog-hash': 'crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==',
      'x-goog-stored-content-length': '9',
      'x-goog-stored-content-encoding': 'identity',
    });
  });

  it('of a gzipped object: compressed for clients that accept gzip, decompressed for others', async () => {
    const packed = gzipSync('text '.repeat(1000));
    const name = fresh();
    await upload(name, packed, '&contentEncoding=gzip');
    const url = at(`${objectPath(name)}?alt=media`);
    const raw = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
    expect(raw.headers.get('content-length')).toBe(String(packed.length));
    const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(await plain.text()).toBe('text '.repeat(1000));
  });

  it('HEAD has the headers and no body', async () => {
    await created('digits', '0123456789');
    const response = await fetch(at(`${objectPath('digits')}?alt=media`), { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('10');
    expect(await response.text()).toBe('');
  });
});

describe('lists', () => {
  const names = ['a', 'b/1', 'b/2', 'b/c/3', 'b0', 'c/', 'c/1', 'd', 'é', '😀'];
  const list = async (
    query: string,
  ): Promise<{ items: string[]; prefixes: string[]; next: string | undefined }> => {
    const page = (await (await call('GET', `/storage/v1/b/listing/o?${query}`)).json()) as {
      items?: Resource[];
      prefixes?: string[];
      nextPageToken?: string;
    };
    return {
      items: (page.items ?? []).map(({ name }) => name),
      prefixes: page.prefixes ?? [],
      next: page.nextPageToken,
    };
  };

  beforeAll(async () => {
    await call('POST', '/storage/v1/b', { name: 'listing' });
    for (const name of names.toReversed()) {
      await fetch(at(`/upload/storage/v1/b/listing/o?uploadType=media&name=${encodeURIComponent(name)}`), {
        method: 'POST',
        body: 'x',
      });
    }
  });

  it.each([
    ['', names, []],
    ['prefix=b', ['b/1', 'b/2', 'b/c/3', 'b0'], []],
    ['prefix=b/&delimiter=/', ['b/1', 'b/2'], ['b/c/']],
    ['delimiter=/', ['a', 'b0', 'd', 'é', '😀'], ['b/', 'c/']],
    ['delimiter=/&includeTrailingDelimiter=true', ['a', 'b0', 'c/', 'd', 'é', '😀'], ['b/', 'c/']],
    ['startOffset=b/2&endOffset=c/1', ['b/2', 'b/c/3', 'b0', 'c/'], []],
    ['startOffset=zz', ['é', '😀'], []],
    ['prefix=none', [], []],
  ])('with %j', async (query, items, prefixes) => {
    expect(await list(query)).toEqual({ items, prefixes, next: undefined });
  });

  it.each([1, 2, 3, 4, 7])('in pages of %i: all once, in order', async (size) => {
    for (const delimiter of ['', '/']) {
      const seen: string[] = [];
      let token = '';
      do {
        const page = await list(`maxResults=${size}&delimiter=${delimiter}&pageToken=${token}`);
        expect(page.items.length + page.prefixes.length).toBeLessThanOrEqual(size);
        seen.push(...page.items, ...page.prefixes);
        token = page.next ?? '';
      } while (token !== '');
      expect(seen.toSorted()).toEqual(
        (delimiter ? ['a', 'b/', 'b0', 'c/', 'd', 'é', '😀'] : names).toSorted(),
      );
    }
  });

  it('a page size of 0 is refused', async () => {
    expect((await call('GET', '/storage/v1/b/listing/o?maxResults=0')).status).toBe(400);
  });
});
