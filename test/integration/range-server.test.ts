import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../../shared/core/errors.ts';
import { crc32cOf } from '../../shared/storage/crc32c.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { type RangeServer, type ServeRangesOptions, serveRanges } from '../../shared/storage/range-server.ts';

const KiB = 1024;
const SIZE = 1_000 * KiB;
const CONTENT = Buffer.from(Uint8Array.from({ length: SIZE }, (_, at) => at % 251));
const OBJECT = { name: 'a.mp4', generation: '1700000000000001', size: SIZE };

type GetRange = ObjectStore['getRange'];

const fromContent: GetRange = async (name, offset, length, { generation } = {}) =>
  name === OBJECT.name && generation === OBJECT.generation
    ? CONTENT.subarray(offset, offset + length)
    : undefined;

function storeOf(getRange: GetRange): ObjectStore {
  const unused = (): never => {
    throw new Error('only ranges are read');
  };
  const others = { stat: unused, get: unused, putIfAbsent: unused, replaceIf: unused };
  return { bucket: 'b', getRange, ...others, list: unused, delete: unused };
}

let server: RangeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(
  getRange: GetRange = fromContent,
  options: Partial<ServeRangesOptions> = {},
): Promise<RangeServer> {
  server = await serveRanges({ store: storeOf(getRange), object: OBJECT, ...options });
  return server;
}

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
}

async function get(url: string, range?: string, method = 'GET'): Promise<Answer> {
  const call = request(url, { method, headers: range ? { range } : {}, agent: false });
  call.end();
  const [response] = await once(call, 'response');
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) };
}

describe('ranges', () => {
  test('an open range is answered with the available bytes: a short 206 that says where it ends', async () => {
    const { url } = await start();
    const { status, headers, body } = await get(url, 'bytes=0-');
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes 0-${128 * KiB - 1}/${SIZE}`);
    expect(body.equals(CONTENT.subarray(0, 128 * KiB))).toBe(true);
  });

  test('asking again from where the answer ended reads the whole object', async () => {
    const { url, traffic } = await start();
    const parts: Buffer[] = [];
    for (let at = 0; at < SIZE; at = parts.reduce((sum, part) => sum + part.length, 0)) {
      parts.push((await get(url, `bytes=${at}-`)).body);
    }
    expect(Buffer.concat(parts).equals(CONTENT)).toBe(true);
    expect(traffic.bytes).toBe(SIZE);
  });

  test.each([
    ['a closed range in full, over several fetches', 'bytes=1000-700000', 1_000, 700_001],
    ['one byte', 'bytes=5-5', 5, 6],
    ['a closed range past the end, up to the end', `bytes=${SIZE - 10}-${SIZE + 5}`, SIZE - 10, SIZE],
    ['the last bytes', 'bytes=-100', SIZE - 100, SIZE],
  ])('%s', async (_, range, start_, end) => {
    const { url } = await start();
    const { status, headers, body } = await get(url, range);
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${start_}-${end - 1}/${SIZE}`);
    expect(body.equals(CONTENT.subarray(start_, end))).toBe(true);
  });

  test('without a range, everything', async () => {
    const { url } = await start();
    const { status, body } = await get(url);
    expect(status).toBe(200);
    expect(body.equals(CONTENT)).toBe(true);
  });

  test.each([`bytes=${SIZE}-`, 'bytes=9-3', 'bytes=-0', 'bytes=-', 'bytes=0-1,5-6', 'lines=1-2'])(
    '%s cannot be satisfied: 416 with the size',
    async (range) => {
      const { url, traffic } = await start();
      const { status, headers } = await get(url, range);
      expect([status, headers['content-range']]).toEqual([416, `bytes */${SIZE}`]);
      expect(traffic.requests).toBe(0);
    },
  );

  test('HEAD returns the size and reads nothing', async () => {
    const { url, traffic } = await start();
    const { status, headers } = await get(url, undefined, 'HEAD');
    expect([status, headers['content-length']]).toEqual([200, String(SIZE)]);
    expect(traffic).toEqual({ bytes: 0, requests: 0 });
  });
});

describe('only this object, only for clients that know the path', () => {
  test('listens on the loopback address, with a path of 32 random characters', async () => {
    const { url } = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}$/);
  });

  test.each(['/', '/a.mp4', '/../etc/passwd', '/%2e%2e/x'])(
    '404 for %s, without a request to storage',
    async (path) => {
      const { url, traffic } = await start();
      expect((await get(new URL(path, url).href)).status).toBe(404);
      expect((await get(`${url}/more`)).status).toBe(404);
      expect(traffic.requests).toBe(0);
    },
  );

  test('nothing can be written', async () => {
    const { url } = await start();
    expect((await get(url, undefined, 'PUT')).status).toBe(405);
  });
});

describe('bytes are read only on demand', () => {
  test('a reader that stops after the first answer causes no more reads', async () => {
    const { url, traffic } = await start();
    const { hostname, port, pathname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\n\r\n`);
    await once(socket, 'readable');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(traffic).toEqual({ bytes: 128 * KiB, requests: 1 });
    socket.destroy();
  });

  test('cached bytes of earlier reads are served in one answer, without a read', async () => {
    const { url, traffic } = await start();
    for (const from of [0, 128, 384]) await get(url, `bytes=${from * KiB}-`);
    const before = traffic.requests;
    const { headers, body } = await get(url, 'bytes=1000-');
    expect(headers['content-range']).toBe(`bytes 1000-${640 * KiB - 1}/${SIZE}`);
    expect(body.equals(CONTENT.subarray(1_000, 640 * KiB))).toBe(true);
    expect(traffic.requests).toBe(before);
  });

  test('the same bytes twice are read once', async () => {
    const { url, traffic } = await start();
    await get(url, 'bytes=0-');
    await get(url, 'bytes=100-');
    expect(traffic.requests).toBe(1);
  });
});

describe('when storage fails', () => {
  test("the connection breaks off, and the failure is kept for the reader's caller", async () => {
    const gone = new AppError('unavailable', '503 from storage');
    const failures: AppError[] = [];
    const { url } = await start(() => Promise.reject(gone), { onFailure: (error) => failures.push(error) });
    await expect(get(url, 'bytes=0-')).rejects.toThrow();
    expect(server?.failure).toBe(gone);
    expect(failures).toEqual([gone]);
  });

  test('an object deleted in the middle is gone, and the error names its generation', async () => {
    let reads = 0;
    const { url } = await start(async (...args) => (reads++ === 0 ? fromContent(...args) : undefined));
    await get(url, 'bytes=0-');
    await expect(get(url, 'bytes=500000-')).rejects.toThrow();
    expect(server?.failure).toMatchObject({
      code: 'object-gone',
      message: expect.stringContaining('1700000000000001'),
    });
  });

  test('a single "no such object" is checked again a second later', async () => {
    let reads = 0;
    const waits: number[] = [];
    const clock = { now: () => 0, sleep: async (ms: number) => void waits.push(ms) };
    const once404: GetRange = async (...args) => (reads++ === 0 ? undefined : fromContent(...args));
    const { url } = await start(once404, { clock });
    const { body } = await get(url, 'bytes=0-');
    expect(body.equals(CONTENT.subarray(0, 128 * KiB))).toBe(true);
    expect([waits, server?.failure]).toEqual([[1_000], undefined]);
  });

  test('an object read whole that does not match its checksum is unavailable, not a broken video', async () => {
    const small = CONTENT.subarray(0, 5_000);
    const object = { ...OBJECT, size: small.length, crc32c: crc32cOf(small) };
    const turned = Uint8Array.from(small);
    turned[4_000]! ^= 1;
    const { url } = await start(async () => turned, { object });
    await expect(get(url, 'bytes=0-')).rejects.toThrow();
    expect(server?.failure).toMatchObject({
      code: 'unavailable',
      message: `the object's crc32c must be ${object.crc32c}, got ${crc32cOf(turned)} while reading`,
    });
    await server?.close();
    const sound = await start(async () => small, { object });
    expect((await get(sound.url, 'bytes=0-')).body.equals(small)).toBe(true);
  });

  test('a truncated body is continued from where it broke off', async () => {
    const { url, traffic } = await start(async (name, offset, length, options) =>
      (await fromContent(name, offset, length, options))?.subarray(0, Math.min(length, 50_000)),
    );
    const { body } = await get(url, 'bytes=0-');
    expect(body.equals(CONTENT.subarray(0, 128 * KiB))).toBe(true);
    expect(traffic.requests).toBe(3);
  });

  test('an empty body is a failure, not an endless wait', async () => {
    const { url } = await start(async () => new Uint8Array(0));
    await expect(get(url, 'bytes=0-')).rejects.toThrow();
    expect(server?.failure).toMatchObject({ code: 'unavailable' });
  });
});

test('closing ends reads in flight and frees the port', async () => {
  let seen: AbortSignal | undefined;
  const { url } = await start((_name, _offset, _length, { signal } = {}) => {
    seen = signal;
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  });
  const waiting = get(url, 'bytes=0-');
  const refused = expect(waiting).rejects.toThrow();
  while (!seen) await new Promise((resolve) => setTimeout(resolve, 1));
  await server?.close();
  await refused;
  expect(seen.aborted).toBe(true);
  await expect(get(url, 'bytes=0-')).rejects.toThrow('ECONNREFUSED');
});
