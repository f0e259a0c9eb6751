import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledScript } from '../helpers/bundled-script.ts';

const SCRIPT = new URL('../helpers/gcs-process.ts', import.meta.url);
const GIB = 2 ** 30;
/** Above the limit of a buffer in full; the sample would still not fit below the cap. */
const SIZE = 2 * GIB + 12_345;
const CAP_MB = 220;

let dir: string;
let url: string;
let child: ChildProcess;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gcs-large-'));
  const script = await bundledScript(SCRIPT);
  child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  url = line.toString().trim();
});
afterAll(async () => {
  child.kill('SIGKILL');
  await once(child, 'exit');
  await rm(dir, { recursive: true, force: true });
});

/** Peak resident size so far, in MB; undefined if the system does not report it. */
function peakMegabytes(): number | undefined {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

/** Zeros, with the number of each MiB at its start. */
function* bytes(): Iterable<Buffer> {
  for (let at = 0; at < SIZE; at += 2 ** 20) {
    const chunk = Buffer.alloc(Math.min(2 ** 20, SIZE - at));
    chunk.writeUInt32BE(at / 2 ** 20);
    yield chunk;
  }
}

describe(`an object of ${SIZE} bytes`, () => {
  it(`streams in and out, with the server below ${CAP_MB} MB`, { timeout: 180_000 }, async ({ skip }) => {
    const { bavail, bsize } = await statfs(dir);
    if (bavail * bsize < 3 * SIZE) {
      process.stdout.write(
        `not run: an object of ${SIZE} bytes: ${tmpdir()} has ${Math.round((bavail * bsize) / GIB)} GiB free\n`,
      );
      skip('no room');
    }
    const upload = request(`${url}/upload/storage/v1/b/bucket/o?uploadType=media&name=large`, {
      method: 'POST',
      headers: { 'content-length': SIZE },
    });
    const answered = once(upload, 'response');
    await pipeline(Readable.from(bytes()), upload);
    const [response] = (await answered) as [Readable];
    expect(JSON.parse(Buffer.concat(await response.toArray()).toString())).toMatchObject({
      size: String(SIZE),
    });

    const object = `${url}/storage/v1/b/bucket/o/large?alt=media`;
    const end = await fetch(object, { headers: { range: `bytes=${SIZE - 12_345}-` } });
    const tail = Buffer.from(await end.arrayBuffer());
    expect(tail).toHaveLength(12_345);
    expect(tail.readUInt32BE()).toBe((SIZE - 12_345) / 2 ** 20);
    expect(end.headers.get('content-range')).toBe(`bytes ${SIZE - 12_345}-${SIZE - 1}/${SIZE}`);

    let size = 0;
    const whole = await fetch(object);
    for await (const chunk of whole.body as unknown as AsyncIterable<Uint8Array>) size += chunk.length;
    expect(size).toBe(SIZE);

    const peak = peakMegabytes();
    if (peak === undefined)
      process.stdout.write('not checked: the memory of the server, for want of /proc\n');
    else expect(peak).toBeLessThan(CAP_MB);
  });
});
