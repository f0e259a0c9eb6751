import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { plainClient, type Resource } from '../helpers/gcs-http.ts';

let gcs: TestGcs;
const { at, call, created, fresh, objectPath } = plainClient(() => gcs);

beforeAll(async () => {
  gcs = await startTestGcs();
});
afterAll(() => gcs.close());

describe('changes of metadata', () => {
  it('a patch adds, replaces and removes, key by key; an update replaces all', async () => {
    const name = fresh();
    await created(name);
    await call('PATCH', objectPath(name), {
      metadata: { a: '1', b: '2' },
      cacheControl: 'x',
      contentLanguage: 'de',
    });
    const patched = await call('PATCH', objectPath(name), {
      metadata: { a: null, c: '3' },
      cacheControl: null,
    });
    const resource = (await patched.json()) as Resource;
    expect(resource).toMatchObject({
      metadata: { b: '2', c: '3' },
      contentLanguage: 'de',
      metageneration: '3',
    });
    expect(resource).not.toHaveProperty('cacheControl');
    const updated = await call('PUT', objectPath(name), { contentType: 'image/png' });
    const replaced = (await updated.json()) as Resource;
    expect(replaced).toMatchObject({
      contentType: 'image/png',
      metageneration: '4',
      generation: resource.generation,
    });
    expect(replaced).not.toHaveProperty('metadata');
  });
});

describe('copies', () => {
  it('keep bytes and settings; the source may go', async () => {
    const name = fresh();
    await created(name, 'to be copied');
    await call('PATCH', objectPath(name), { metadata: { a: 'b' } });
    const target = encodeURIComponent('copies/ä b');
    const response = await call('POST', `${objectPath(name)}/rewriteTo/b/bucket/o/${target}`);
    expect(await response.json()).toMatchObject({
      kind: 'storage#rewriteResponse',
      done: true,
      objectSize: '12',
      totalBytesRewritten: '12',
      resource: { name: 'copies/ä b', metadata: { a: 'b' }, metageneration: '1' },
    });
    await call('DELETE', objectPath(name));
    expect(await (await fetch(at(`${objectPath('copies/ä b')}?alt=media`))).text()).toBe('to be copied');
  });

  it('of a missing object are not found', async () => {
    expect((await call('POST', `${objectPath('nothing')}/copyTo/b/bucket/o/x`)).status).toBe(404);
  });

  it('composing joins in the given order, without an md5', async () => {
    await created('part-1', '12345');
    await created('part-2', '6789');
    const response = await call('POST', `${objectPath('joined')}/compose`, {
      sourceObjects: [{ name: 'part-1' }, { name: 'part-2' }],
      destination: { contentType: 'text/csv' },
    });
    const resource = (await response.json()) as Resource;
    expect(resource).toMatchObject({
      size: '9',
      crc32c: '4waSgw==',
      componentCount: 2,
      contentType: 'text/csv',
    });
    expect(resource).not.toHaveProperty('md5Hash');
    expect(await (await fetch(at(`${objectPath('joined')}?alt=media`))).text()).toBe('123456789');
  });
});

describe('a batch', () => {
  it('answers each of its requests, failures among them', async () => {
    await created('batched');
    const part = (id: number, line: string): string =>
      `--b\r\nContent-Type: application/http\r\nContent-ID: <x+${id}>\r\n\r\n${line} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n`;
    const response = await fetch(at('/batch/storage/v1'), {
      method: 'POST',
      headers: { 'content-type': 'multipart/mixed; boundary=b' },
      body: `${part(1, `DELETE ${objectPath('batched')}`)}${part(2, `GET ${objectPath('batched')}`)}--b--`,
    });
    const text = await response.text();
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 404']);
    expect(text.match(/Content-ID: .+/g)).toEqual([
      'Content-ID: <response-x+1>',
      'Content-ID: <response-x+2>',
    ]);
  });
});

describe("the server's own endpoints for other processes", () => {
  it('counts, faults and latency', async () => {
    await call('DELETE', '/_stats');
    await created('counted', '12345');
    await fetch(at(`${objectPath('counted')}?alt=media`), { headers: { range: 'bytes=1-2' } });
    const stats = (await (await call('GET', '/_stats')).json()) as { operations: Record<string, unknown> };
    expect(stats.operations['upload']).toMatchObject({ requests: 1, bytesIn: 5 });
    expect(stats.operations['read']).toEqual({ requests: 1, bytesIn: 0, bytesOut: 2 });

    await call('POST', '/_faults', { action: { kind: 'status', status: 503 }, operations: ['stat'] });
    expect((await call('GET', objectPath('counted'))).status).toBe(503);
    expect((await call('GET', objectPath('counted'))).status).toBe(200);
    expect(await (await call('GET', '/_faults')).json()).toMatchObject([{ met: 1 }]);
    await call('DELETE', '/_faults');
    expect((await call('POST', '/_faults', { action: { kind: 'explode' } })).status).toBe(400);
    const header = { 'x-local-fault': '{"kind":"status","status":429}' };
    expect((await call('GET', objectPath('counted'), undefined, header)).status).toBe(429);

    await call('POST', '/_latency', { get: 40, absent: 80 });
    const started = performance.now();
    await call('GET', objectPath('counted'));
    const found = performance.now() - started;
    await call('GET', objectPath('not-there'));
    const absent = performance.now() - started - found;
    await call('POST', '/_latency', {});
    expect(found).toBeGreaterThan(35);
    expect(absent).toBeGreaterThan(75);
  });
});
