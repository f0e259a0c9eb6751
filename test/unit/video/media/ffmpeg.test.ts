import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FfmpegBinary, findFfmpeg } from '../../../../functions/video/media/ffmpeg.ts';
import { decodeArguments, probeArguments } from '../../../../functions/video/media/ffmpeg-command.ts';
import { openVideoFile } from '../../../../functions/video/media/open-video.ts';
import { runFfmpeg } from '../../../../functions/video/media/run-ffmpeg.ts';
import { testBinaries } from '../../../helpers/binaries.ts';
import { makeClip } from '../../../helpers/clips.ts';
import { fileStore } from '../../../helpers/file-store.ts';
import { childProcesses } from '../../../helpers/processes.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ffmpeg-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  // a worker keeps its modules, and this one keeps what it found
  vi.resetModules();
});

/** Creates an executable from this shell script. */
function script(name: string, text: string): string {
  const path = join(folder, name);
  // Written in one call: a process forked while the file is open for writing would prevent its execution.
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

const BANNER = `cat <<'END'
ffmpeg version 4.4.2 Copyright (c) 2000-2021 the FFmpeg developers
  libavformat    58. 76.100 / 58. 76.100
  libavfilter     7.110.100 /  7.110.100
END`;

describe('which ffmpeg is used', () => {
  test('an explicit path comes first, with its version', async () => {
    const path = script('mine', BANNER);
    expect(await findFfmpeg(path)).toEqual({
      path,
      version: '4.4.2',
      source: 'explicit',
      hasFpsMode: false,
      seeksEarly: true,
      misreadsSegments: true,
      packetsAhead: 4,
    });
  });

  test('an explicit path that does not start is an error, not a reason to search further', async () => {
    await expect(findFfmpeg(join(folder, 'absent'))).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('absent does not start'),
    });
    const other = script('other', 'echo hello');
    await expect(findFfmpeg(other)).rejects.toMatchObject({ message: expect.stringContaining('hello') });
  });

  test('with nothing on PATH, the one from npm', async () => {
    vi.resetModules();
    const fresh = await import('../../../../functions/video/media/ffmpeg.ts');
    vi.stubEnv('PATH', join(folder, 'nowhere'));
    expect(await fresh.findFfmpeg()).toMatchObject({ source: 'bundled', hasFpsMode: false });
  });

  test('PATH is searched in order, past an ffmpeg that does not start', async () => {
    vi.resetModules();
    const fresh = await import('../../../../functions/video/media/ffmpeg.ts');
    const broken = await mkdtemp(join(folder, 'a-'));
    const working = await mkdtemp(join(folder, 'b-'));
    writeFileSync(join(broken, 'ffmpeg'), '#!/nonexistent/shell\n', { mode: 0o755 });
    writeFileSync(join(working, 'ffmpeg'), `#!/bin/sh\n${BANNER}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${broken}::${working}:/usr/bin:/bin`);
    expect(await fresh.findFfmpeg()).toMatchObject({ path: join(working, 'ffmpeg'), source: 'path' });
  });
});

describe('how it is started', () => {
  test('opening a video and reading two frames starts it three times, never to list its capabilities', async () => {
    const [real] = await testBinaries();
    const calls = join(folder, 'calls');
    mkdirSync(calls);
    // Under its limits it can create files, but not write to them.
    const path = script(
      'counted',
      `mktemp "${calls}/$(echo "$@" | tr -c 'a-z-' _ | head -c 200)-XXXXXX" >/dev/null\nexec ${real!.path} "$@"`,
    );
    const counted: FfmpegBinary = { ...real!, path };
    const clip = join(folder, 'clip.mp4');
    await makeClip({ path: clip, frames: 25, rate: '25', options: ['-c:v', 'libx264'] }, real!.path);
    const { store, object } = await fileStore(clip);
    const video = await openVideoFile({
      store,
      object,
      ffmpeg: counted,
      limits: { maxSeconds: 10, maxPixels: 1_000_000 },
    });
    await video.frameAt(0.2);
    await video.frameAt(0.9);
    await video.close();
    const names = readdirSync(calls);
    expect(names).toHaveLength(3);
    expect(names.filter((name) => /-(encoders|formats|codecs|filters|version)_/.test(name))).toEqual([]);
  });

  test.each([
    ['old', false, '-vsync 0'],
    ['new', true, '-fps_mode passthrough'],
  ])(
    'every command fixes demuxer, protocols, threads and sizes, and takes no frame twice (%s)',
    async (_, hasFpsMode, rate) => {
      const binary = {
        path: 'x',
        version: 'x',
        source: 'path',
        hasFpsMode,
        seeksEarly: false,
        misreadsSegments: false,
        packetsAhead: 4,
      } as const;
      const input = {
        url: 'http://127.0.0.1:1/secret',
        demuxer: 'mov',
        maxPixels: 5_000_000,
        threads: 2,
      } as const;
      const plan = { seek: 12.5, lo: 3, hi: 9, filters: ['scale=2:2'], pixelFormat: 'rgb24' } as const;
      for (const args of [
        await probeArguments(input, binary),
        await decodeArguments(input, { ...plan, filters: [...plan.filters] }, binary),
      ]) {
        const line = args.join(' ');
        const before = line.slice(0, line.indexOf(' -i http://127.0.0.1:1/secret '));
        for (const option of [
          '-f mov',
          '-protocol_whitelist http,tcp',
          '-threads 2',
          '-max_pixels 5000000',
          '-max_alloc 268435456',
          '-nostdin',
        ]) {
          expect(before).toContain(option);
        }
        expect(line).toContain('-map 0:V:0 -an -sn -dn');
        expect(line).toContain(rate);
      }
    },
  );
});

describe('how it ends', () => {
  const run = (text: string, options: Partial<Parameters<typeof runFfmpeg>[0]> = {}) =>
    runFfmpeg({
      binary: {
        path: '/bin/sh',
        version: 'x',
        source: 'explicit',
        hasFpsMode: true,
        seeksEarly: false,
        misreadsSegments: false,
        packetsAhead: 4,
      },
      args: ['-c', text],
      timeLimitMs: 5_000,
      memoryBytes: 1024 ** 3,
      sandbox: undefined,
      signal: new AbortController().signal,
      onLine: () => undefined,
      ...options,
    });

  test('lines are delivered whole, whatever chunks they arrived in, and long ones are cut', async () => {
    const lines: string[] = [];
    const text = `printf 'one\\ntw' >&2; sleep 0.05; printf 'o\\r\\nlast' >&2; head -c 5000 /dev/zero | tr '\\0' x >&2`;
    await run(text, { onLine: (line) => void lines.push(line) });
    expect(lines.map((line) => line.slice(0, 6))).toEqual(['one', 'two', 'lastxx']);
    expect(lines[2]).toHaveLength(1_000);
  });

  test('the exit code is returned, or the name of the signal it crashed with', async () => {
    expect(await run('exit 3')).toBe(3);
    expect(await run('kill -SEGV $$')).toBe('SIGSEGV');
  });

  test.each(['KILL', 'TERM'])(
    'killed from outside by SIG%s: that says nothing about the video',
    async (name) => {
      await expect(run(`kill -${name} $$`)).rejects.toMatchObject({
        code: 'unavailable',
        message: `ffmpeg was killed from outside by SIG${name}`,
      });
    },
  );

  test('after its time it is killed, and the error says how long it had', async () => {
    await expect(run('exec sleep 30', { timeLimitMs: 100 })).rejects.toMatchObject({
      code: 'timeout',
      message: 'ffmpeg did not finish within 0.1 s, the time limit of one command',
    });
    expect(childProcesses()?.filter((name) => name === 'sleep') ?? []).toEqual([]);
  });

  test('on abort it is killed, and the signal’s reason is thrown', async () => {
    const stop = new AbortController();
    const onLine = (): undefined => stop.abort(new Error('no longer wanted')) as undefined;
    const text = 'echo started >&2; exec sleep 31';
    await expect(run(text, { signal: stop.signal, onLine })).rejects.toThrow('no longer wanted');
    expect(childProcesses()?.filter((name) => name === 'sleep') ?? []).toEqual([]);
  });

  test('a reader that has enough ends it at once, and gets no more lines', async () => {
    const lines: string[] = [];
    const text = 'echo one >&2; echo two >&2; echo three >&2; exec sleep 33';
    const onLine = (line: string): undefined | 'enough' => {
      lines.push(line);
      return line === 'two' ? 'enough' : undefined;
    };
    expect(await run(text, { onLine })).toBe('SIGKILL');
    expect(lines).toEqual(['one', 'two']);
  });

  test('an error thrown by a reader ends it, too', async () => {
    const onLine = (): never => {
      throw new Error('cannot use this');
    };
    await expect(run('echo hello >&2; exec sleep 32', { onLine })).rejects.toThrow('cannot use this');
  });

  test('no proxy and nothing else of this environment reaches it', async () => {
    vi.stubEnv('http_proxy', 'http://127.0.0.1:9');
    vi.stubEnv('SECRET', 'x');
    const lines: string[] = [];
    await run('env >&2', { onLine: (line) => void lines.push(line.split('=')[0]!) });
    expect(lines.filter((name) => /proxy|SECRET/i.test(name))).toEqual([]);
  });
});
