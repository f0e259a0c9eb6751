import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FfmpegBinary } from '../../functions/video/media/ffmpeg.ts';
import { limitsHold } from '../../functions/video/media/process-limits.ts';
import { runFfmpeg } from '../../functions/video/media/run-ffmpeg.ts';
import { openSandbox } from '../../functions/video/media/sandbox.ts';
import { startMetadataServer } from '../../local/metadata-server.ts';

/** What code that took over ffmpeg would try: a script in its place, which reports how far it got. */
const attempts = (ports: { metadata: number; other: number }, loot: string): readonly [string, string][] => [
  ['read the environment of the function', `cat /proc/${process.pid}/environ`],
  [
    'read the memory of the function',
    `[ -r /proc/${process.pid}/mem ] && head -c 0 /proc/${process.pid}/mem`,
  ],
  ['follow its open files', `readlink /proc/${process.pid}/fd/0`],
  ['signal the function', `kill -0 ${process.pid}`],
  ['reach the metadata server', `exec 3<>/dev/tcp/127.0.0.1/${ports.metadata}`],
  ['reach another local port', `exec 3<>/dev/tcp/127.0.0.1/${ports.other}`],
  ['write a file', `echo loot > ${loot}`],
  ['take 300 MB', 'head -c 300000000 /dev/zero | tail -c 300000000 | wc -c | grep -q 300000000'],
  ['see a secret in its own environment', '[ -n "$SECRET" ]'],
];

const sandbox = await openSandbox();
const able = sandbox !== undefined && (await limitsHold()) && existsSync('/bin/bash');
if (!able) process.stdout.write('no namespaces or limits on this system: the sandbox is not tested\n');

let folder = '';
let exploit = '';
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  const metadata = await startMetadataServer({ projectId: 'local' });
  const other = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(other, 'listening');
  closing.push(metadata.close, () => other.close());
  const ports = {
    metadata: Number(new URL(metadata.url).port),
    other: (other.address() as AddressInfo).port,
  };
  const tries = attempts(ports, join(folder, 'loot')).map(
    ([what, command]) => `if bash -c '${command}' > /dev/null 2>&1; then echo "done: ${what}" >&2; fi`,
  );
  exploit = join(folder, 'ffmpeg');
  await writeFile(exploit, `#!/bin/bash\n${tries.join('\n')}\necho end >&2\n`, { mode: 0o755 });
});
afterAll(async () => {
  for (const close of closing) await close();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!able)('code that took over ffmpeg', () => {
  test('fails at each attempt inside, although each succeeds outside', async () => {
    const outside: string[] = [];
    const free = spawn(exploit, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, SECRET: 'token' },
    });
    free.stderr.setEncoding('utf8').on('data', (text: string) => outside.push(...text.trim().split('\n')));
    await once(free, 'close');
    const all = attempts({ metadata: 0, other: 0 }, '').map(([what]) => `done: ${what}`);
    expect(outside).toEqual([...all, 'end']);
    await rm(join(folder, 'loot'));

    const lines: string[] = [];
    process.env['SECRET'] = 'token';
    const exit = await runFfmpeg({
      binary: inPlaceOfFfmpeg(exploit),
      ...{ args: [], sandbox, memoryBytes: 128 * 1024 ** 2, timeLimitMs: 20_000 },
      signal: new AbortController().signal,
      // bash reports a child that was ended by its file size limit
      onLine: (line) => (line.includes('File size limit exceeded') ? undefined : void lines.push(line)),
    });
    delete process.env['SECRET'];
    expect([exit, lines]).toEqual([0, ['end']]);
  });

  test('ends with the process that was started, including its own children', async () => {
    const script = join(folder, 'daemon');
    const mark = `${20_000 + (process.pid % 9_000)}.5`;
    await writeFile(script, `#!/bin/bash\nsetsid sleep ${mark} &\necho started >&2\nwait\n`, { mode: 0o755 });
    await runFfmpeg({
      binary: inPlaceOfFfmpeg(script),
      ...{ args: [], sandbox, memoryBytes: 128 * 1024 ** 2, timeLimitMs: 20_000 },
      signal: new AbortController().signal,
      onLine: () => 'enough',
    });
    const found = spawn('pgrep', ['-f', `^sleep ${mark.replace('.', '[.]')}`]);
    expect(await once(found, 'close')).toEqual([1, null]);
  });
});

function inPlaceOfFfmpeg(path: string): FfmpegBinary {
  return {
    path,
    version: 'x',
    source: 'explicit',
    hasFpsMode: true,
    misreadsSegments: false,
    seeksEarly: false,
    packetsAhead: 4,
  };
}
