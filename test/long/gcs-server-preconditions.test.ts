import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { plainClient, type Resource } from '../helpers/gcs-http.ts';

let gcs: TestGcs;
const { at, call, created, fresh, objectPath, upload } = plainClient(() => gcs);

beforeAll(async () => {
  gcs = await startTestGcs();
});
afterAll(() => gcs.close());

describe('preconditions', () => {
  /** [query, with the live object at G and metageneration M] → read, write */
  const table: [string, number, number][] = [
    ['ifGenerationMatch=G', 200, 200],
    ['ifGenerationMatch=0', 412, 412],
    ['ifGenerationMatch=1', 412, 412],
    ['ifGenerationNotMatch=1', 200, 200],
    ['ifGenerationNotMatch=0', 200, 200],
    ['ifGenerationNotMatch=G', 304, 412],
    ['ifMetagenerationMatch=M', 200, 200],
    ['ifMetagenerationMatch=99', 412, 412],
    ['ifMetagenerationNotMatch=99', 200, 200],
    ['ifMetagenerationNotMatch=M', 304, 412],
    ['ifGenerationMatch=G&ifMetagenerationMatch=99', 412, 412],
    ['ifGenerationMatch=x', 400, 400],
  ];
  const operations: Record<string, ['read' | 'write', (name: string, query: string) => Promise<Response>]> = {
    get: ['read', (name, query) => call('GET', `${objectPath(name)}?${query}`)],
    media: ['read', (name, query) => fetch(at(`${objectPath(name)}?alt=media&${query}`))],
    patch: ['write', (name, query) => call('PATCH', `${objectPath(name)}?${query}`, { cacheControl: 'x' })],
    update: ['write', (name, query) => call('PUT', `${objectPath(name)}?${query}`, { cacheControl: 'x' })],
    delete: ['write', (name, query) => call('DELETE', `${objectPath(name)}?${query}`)],
    upload: ['write', (name, query) => upload(name, 'new', `&${query}`)],
    resumable: [
      'write',
      (name, query) =>
        call('POST', `/upload/storage/v1/b/bucket/o?uploadType=resumable&name=${name}&${query}`, {}),
    ],
    'copy to it': [
      'write',
      (name, query) => call('POST', `${objectPath('source')}/copyTo/b/bucket/o/${name}?${query}`),
    ],
    'rewrite to it': [
      'write',
      (name, query) => call('POST', `${objectPath('source')}/rewriteTo/b/bucket/o/${name}?${query}`),
    ],
    'copy from it': [
      'write',
      (name, query) =>
        call('POST', `${objectPath(name)}/copyTo/b/bucket/o/copied?${query.replaceAll('if', 'ifSource')}`),
    ],
    compose: [
      'write',
      (name, query) =>
        call('POST', `${objectPath(name)}/compose?${query}`, { sourceObjects: [{ name: 'source' }] }),
    ],
  };

  beforeAll(() => created('source'));

  for (const [operation, [purpose, run]] of Object.entries(operations)) {
    it.each(table)(`${operation} with %s`, async (query, onRead, onWrite) => {
      const name = fresh();
      const { generation } = await created(name);
      const patched = await call('PATCH', objectPath(name), { cacheControl: 'first' });
      expect(((await patched.json()) as Resource).metageneration).toBe('2');
      const response = await run(name, query.replace('=G', `=${generation}`).replace('=M', '=2'));
      const expected = purpose === 'read' ? onRead : onWrite;
      expect(response.status === 204 ? 200 : response.status).toBe(expected);
      const failed = expected !== 200;
      const after = await call('GET', objectPath(name));
      if (failed) expect(((await after.json()) as Resource).generation).toBe(generation);
    });
  }

  it("a 412 says so in Google's words", async () => {
    const name = fresh();
    await created(name);
    const response = await upload(name, 'x', '&ifGenerationMatch=0');
    expect(await response.json()).toEqual({
      error: {
        code: 412,
        message: 'At least one of the pre-conditions you specified did not hold.',
        errors: [
          {
            message: 'At least one of the pre-conditions you specified did not hold.',
            domain: 'global',
            reason: 'conditionNotMet',
            locationType: 'header',
            location: 'If-Match',
          },
        ],
      },
    });
  });

  it('a write to a missing object: 0 holds, a generation does not', async () => {
    expect((await upload(fresh(), 'x', '&ifGenerationMatch=0')).status).toBe(200);
    expect((await upload(fresh(), 'x', '&ifGenerationMatch=5')).status).toBe(412);
    expect((await upload(fresh(), 'x', '&ifGenerationNotMatch=0')).status).toBe(412);
  });

  it('a generation other than the live one is not found', async () => {
    const name = fresh();
    const { generation } = await created(name, 'one');
    await upload(name, 'two');
    for (const path of [objectPath(name), `/download${objectPath(name)}`]) {
      const response = await fetch(at(`${path}?alt=media&generation=${generation}`));
      expect(response.status).toBe(404);
      expect(await response.text()).toBe(`No such object: bucket/${name}#${generation}`);
    }
    expect((await call('DELETE', `${objectPath(name)}?generation=${generation}`)).status).toBe(404);
  });
});
