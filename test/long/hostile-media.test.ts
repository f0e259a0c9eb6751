import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FfmpegBinary } from '../../functions/video/media/ffmpeg.ts';
import { type MediaLimits, openVideoFile } from '../../functions/video/media/open-video.ts';
import { AppError, isRefusal } from '../../shared/core/errors.ts';
import { testBinaries, underTest } from '../helpers/binaries.ts';
import { makeClip, runTool } from '../helpers/clips.ts';
import { type FileStoreOptions, fileStore } from '../helpers/file-store.ts';
import { makeLongMp4 } from '../helpers/long-mp4.ts';
import { bodyOf, pointElsewhere, setInBox } from '../helpers/mp4-edit.ts';
import { readFrameNumber } from '../helpers/numbered-frames.ts';
import { childProcesses } from '../helpers/processes.ts';

const LIMITS: MediaLimits = { maxSeconds: 60, maxPixels: 1_000_000, maxSide: 4_096, commandSeconds: 10 };
/** Starting it would fail with a different error, so a start would be noticed. */
const NEVER_STARTED: FfmpegBinary = {
  path: '/nonexistent/ffmpeg',
  version: 'none',
  source: 'explicit',
  hasFpsMode: true,
  seeksEarly: false,
  misreadsSegments: false,
  packetsAhead: 4,
};
const SEEDS = 25;
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '12'];

const binaries = await testBinaries();
const versions = underTest(binaries).map((binary) => [binary.version, binary] as const);
const tool = binaries[0]!.path;
let folder = '';
let good: Buffer;
let big = '';
let bigSize = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-media-'));
  const path = join(folder, 'good.mp4');
  await makeClip({ path, frames: 50, rate: '25', options: X264 }, tool);
  good = await readFile(path);
  big = join(folder, 'big.mp4');
  const options = ['-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p', '-movflags', '+faststart'];
  await makeClip({ path: big, frames: 100, rate: '25', width: 640, height: 360, options }, tool);
  bigSize = (await stat(big)).size;
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  const left = childProcesses();
  if (left === undefined) process.stdout.write('leftover processes cannot be looked for on this system\n');
  else expect(left.filter((name) => name.startsWith('ffmpeg'))).toEqual([]);
});

/** Reads the frame at 3.9 s of a file whose second half cannot be read. */
function failingLate(answer: () => Promise<'gone'>): Attempt {
  const intercept: FileStoreOptions['intercept'] = async (offset) =>
    offset > bigSize / 2 ? answer() : 'file';
  return { time: 3.9, store: { intercept } };
}

let files = 0;
async function fileOf(bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, `clip-${++files}`);
  await writeFile(path, bytes);
  return path;
}

interface Attempt {
  limits?: Partial<MediaLimits>;
  store?: FileStoreOptions;
  signal?: AbortSignal;
  time?: number;
}

/** Opens the file and reads one frame; returns the number in the picture or the error. */
async function attempt(path: string, ffmpeg: FfmpegBinary, how: Attempt = {}): Promise<unknown> {
  const { store, object } = await fileStore(path, how.store);
  const limits = { ...LIMITS, ...how.limits };
  try {
    const video = await openVideoFile({ store, object, ffmpeg, limits, signal: how.signal });
    try {
      return readFrameNumber(await video.frameAt(how.time ?? 1));
    } finally {
      await video.close();
    }
  } catch (error) {
    return error;
  }
}

function refusal(code: string, message: RegExp): unknown {
  return expect.objectContaining({ name: 'AppError', code, message: expect.stringMatching(message) });
}

describe('a file that is no video container never reaches ffmpeg', () => {
  test.each([
    ['a text', 'frame frame frame, said the text', /must be mp4, .* got a text/],
    ['a text with a box name in place', "I'm free to say what I like", /got a text/],
    ['HTML', '<!DOCTYPE html><html><body><video src="x.mp4"></video>', /got an HTML page/],
    ['a zip', Buffer.from('504b0304140000000800', 'hex'), /got a zip archive/],
    ['an HLS playlist', '#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n', /got an HLS playlist/],
    ['an HLS playlist behind blank lines', '\n\n  #EXTM3U\nhttp://127.0.0.1/x.ts\n', /got an HLS playlist/],
    ['a concat script', "ffconcat version 1.0\nfile '/etc/passwd'\n", /got a concat script/],
    ['a bare concat list', "file '/etc/passwd'\n", /got a concat script/],
    ['an SVG', '<?xml version="1.0"?><svg><image href="file:///etc/passwd"/></svg>', /got an SVG picture/],
    ['a DASH manifest', '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>', /got a DASH manifest/],
    ['a WAV', Buffer.from('RIFF\x24\0\0\0WAVEfmt ', 'latin1'), /got a WAV file/],
    ['a HEIC picture', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), /got a picture \(heic\)/],
    ['unknown bytes', Buffer.from('0102030405060708', 'hex'), /got bytes that start 0102030405060708/],
  ])('%s', async (_, bytes, message) => {
    expect(await attempt(await fileOf(bytes), NEVER_STARTED)).toEqual(refusal('unsupported-media', message));
  });

  test('zero bytes', async () => {
    const failure = await attempt(await fileOf(''), NEVER_STARTED);
    expect(failure).toEqual(refusal('empty-object', /0 bytes/));
  });

  test('an mp4 cut off inside its samples, and one cut off before its index', async () => {
    const cut = await attempt(await fileOf(good.subarray(0, good.length - 2_000)), NEVER_STARTED);
    expect(cut).toEqual(
      refusal('corrupt-media', /cut off: its (mdat|moov) box ends at byte \d+, the object at \d+/),
    );
    const samples = bodyOf(good, 'mdat') - 8;
    const headless = await attempt(await fileOf(good.subarray(0, samples)), NEVER_STARTED);
    expect(headless).toEqual(refusal('corrupt-media', /no index/));
  });

  test.each(['mkv', 'avi'])('a %s cut off in the middle', async (extension) => {
    const path = join(folder, `whole.${extension}`);
    await makeClip({ path, frames: 50, rate: '25', options: X264 }, tool);
    const whole = await readFile(path);
    expect(await attempt(path, binaries[0]!)).toBe(25);
    const cut = await fileOf(whole.subarray(0, Math.floor(whole.length / 2)));
    expect(await attempt(cut, NEVER_STARTED)).toEqual(refusal('corrupt-media', /cut off/));
  });

  test('an index that claims 49 days is too long before anything is decoded', async () => {
    const long = setInBox(setInBox(good, 'mdhd', 16, 0xffff_fff0), 'elst', 8, 0xffff_fff0);
    const failure = await attempt(await fileOf(long), NEVER_STARTED);
    expect(failure).toEqual(refusal('too-long', /video must be at most 60 s long, got 4294967\.3 s/));
  });
});

describe.each(versions)('ffmpeg %s', (_, ffmpeg) => {
  test('sound only: no video stream, and the message lists the streams', async () => {
    const path = join(folder, 'sound.m4a');
    await runTool(tool, ['-f', 'lavfi', '-i', 'sine=duration=1', '-c:a', 'aac', '-f', 'mp4', path]);
    expect(await attempt(path, ffmpeg)).toEqual(
      refusal('unsupported-media', /object must have a video stream, got only audio/),
    );
  });

  test('an unknown codec is named', async () => {
    const strange = Buffer.from(good);
    strange.write('zzzz', strange.lastIndexOf('avc1', undefined, 'latin1'), 'latin1');
    expect(await attempt(await fileOf(strange), ffmpeg)).toEqual(
      refusal('unsupported-media', /no decoder for zzzz video in ffmpeg/),
    );
  });

  test('samples that are all zeros: no frame can be decoded', async () => {
    const blank = Buffer.from(good);
    blank.fill(0, bodyOf(blank, 'mdat'), bodyOf(blank, 'moov') - 8);
    expect(await attempt(await fileOf(blank), ffmpeg)).toEqual(
      refusal('corrupt-media', /no frame could be decoded/),
    );
  });

  test('more pixels than allowed: both numbers are named', async () => {
    const path = join(folder, 'large.mp4');
    await makeClip({ path, frames: 2, rate: '25', width: 1_600, height: 900, options: X264 }, tool);
    expect(await attempt(path, ffmpeg)).toEqual(
      refusal('too-large', /video must have at most 1000000 pixels and \d+ a side, got 1600 x 90\d/),
    );
  });

  test('exactly the allowed number of pixels is accepted', async () => {
    const path = join(folder, 'just-right.mp4');
    await makeClip({ path, frames: 2, rate: '25', width: 1_000, height: 1_000, options: X264 }, tool);
    expect(await attempt(path, ffmpeg, { time: 0 })).toBe(0);
  });

  test('a picture that claims 65,000 pixels per side is refused before it is allocated', async () => {
    const path = join(folder, 'claims.avi');
    await makeClip({ path, frames: 3, rate: '25', options: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'] }, tool);
    const bytes = await readFile(path);
    for (
      let at = bytes.indexOf('ffc00011', 0, 'hex');
      at >= 0;
      at = bytes.indexOf('ffc00011', at + 4, 'hex')
    ) {
      bytes.writeUInt16BE(65_000, at + 5);
      bytes.writeUInt16BE(65_000, at + 7);
    }
    expect(await attempt(await fileOf(bytes), ffmpeg)).toEqual(
      refusal('too-large', /at most 1000000 pixels .* got 65\d\d\d x 65\d\d\d/),
    );
  });

  test('pixels with an extreme aspect ratio are too large', async () => {
    const path = join(folder, 'stretched.mp4');
    const filters = 'setsar=2000/1';
    await makeClip({ path, frames: 2, rate: '25', filters, options: X264 }, tool);
    expect(await attempt(path, ffmpeg)).toEqual(
      refusal('too-large', /at most 1000000 pixels .* got \d+ x 90$/),
    );
  });

  test('an index of a million frames is read, and the right frame found', async () => {
    const pattern = join(folder, 'pattern.mp4');
    await makeClip({ path: pattern, frames: 250, rate: '25', options: X264 }, tool);
    const path = join(folder, 'million.mp4');
    const clip = await makeLongMp4({ pattern, path, repeats: 4_000, index: 'last', written: [0, 3_000] });
    expect(clip.indexBytes).toBeGreaterThan(4_000_000);
    const time = 3_000 * 10 + 77 / 25;
    expect(await attempt(path, ffmpeg, { limits: { maxSeconds: 50_000 }, time })).toBe(77);
  });

  test('an index that claims two billion samples ends in a refusal, without using memory', async () => {
    const bytes = setInBox(setInBox(good, 'stsz', 4, 1), 'stsz', 8, 0x7fff_ffff);
    expect(isRefusal(await attempt(await fileOf(bytes), ffmpeg))).toBe(true);
  });

  test('an index that points at another file: that file is not opened', async () => {
    const other = join(folder, 'good.mp4');
    const bytes = pointElsewhere(good, other);
    // Without its own samples, any picture could only come from the other file.
    bytes.fill(0, bodyOf(bytes, 'mdat'), bodyOf(bytes, 'moov') - 8);
    const path = await fileOf(bytes);
    // The bait works: with these options ffmpeg follows it and finds the picture.
    const follow = ['-enable_drefs', '1', '-use_absolute_path', '1', '-i', path, '-frames:v', '1'];
    const bait = join(folder, 'bait.png');
    await runTool(ffmpeg.path, [...follow, bait]);
    expect((await readFile(bait)).length).toBeGreaterThan(500);
    expect(await attempt(path, ffmpeg)).toEqual(refusal('corrupt-media', /no frame could be decoded/));
  });

  test('a playlist behind the first bytes of an mp4: no connection is opened', async () => {
    let asked = 0;
    const canary = createServer((_request, response) => {
      asked++;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(canary, 'listening');
    const url = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/x.ts`;
    const playlist = `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url}\n#EXT-X-ENDLIST\n`;
    const header = Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1');
    for (const start of [header, Buffer.concat([header, Buffer.from('\0\0\0\x08moov', 'latin1')])]) {
      const path = await fileOf(Buffer.concat([start, Buffer.from(playlist)]));
      expect(isRefusal(await attempt(path, ffmpeg))).toBe(true);
    }
    canary.close();
    expect(asked).toBe(0);
  });

  test('an attachment and a file name in Matroska are ignored', async () => {
    const path = join(folder, 'attached.mkv');
    const canary = join(folder, 'canary.ttf');
    await writeFile(canary, 'no font');
    await runTool(tool, [
      ...['-i', join(folder, 'good.mp4'), '-c', 'copy', '-attach', canary],
      ...['-metadata:s:t', 'mimetype=font/ttf', '-metadata:s:t', 'filename=../../escaped.ttf', path],
    ]);
    const before = await readdir(folder);
    expect(await attempt(path, ffmpeg)).toBe(25);
    expect(await readdir(folder)).toEqual(before);
  });

  test('storage that fails in the middle: its own error, and no ffmpeg left waiting', async () => {
    const overloaded = new AppError('unavailable', 'storage answered 503');
    const broken = await attempt(join(folder, 'good.mp4'), ffmpeg, {
      store: { intercept: () => Promise.reject(overloaded) },
    });
    expect(broken).toBe(overloaded);
    const late = await attempt(
      big,
      ffmpeg,
      failingLate(() => Promise.reject(overloaded)),
    );
    expect(late).toBe(overloaded);
    const gone = await attempt(
      big,
      ffmpeg,
      failingLate(async () => 'gone'),
    );
    expect(gone).toMatchObject({ code: 'object-gone' });
  });

  test('an abort ends it with the given reason, and ends the process', async () => {
    const stop = new AbortController();
    const reason = new AppError('timeout', 'the event has no time left');
    const failure = await attempt(join(folder, 'good.mp4'), ffmpeg, {
      signal: stop.signal,
      store: {
        async intercept() {
          setTimeout(() => stop.abort(reason), 30);
          await new Promise((resolve) => setTimeout(resolve, 100));
          return 'file';
        },
      },
    });
    expect(failure).toBe(reason);
  });

  test('storage that never answers: the time limit of one command holds', async () => {
    const silence = failingLate(() => new Promise(() => {}));
    const failure = await attempt(big, ffmpeg, { ...silence, limits: { commandSeconds: 0.5 } });
    expect(failure).toEqual(refusal('timeout', /did not finish within 0\.5 s/));
  });

  test(`mutated files, ${SEEDS} seeds: a frame or an error that says who acts, in time`, async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const found = await attempt(await fileOf(mutated(good, seed)), ffmpeg);
      const kind = found instanceof AppError ? found.code : typeof found;
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    }
    const allowed = [
      ...['number', 'string', 'corrupt-media', 'unsupported-media', 'too-long', 'too-large', 'too-costly'],
    ];
    expect([...outcomes.keys()].filter((kind) => !allowed.includes(kind))).toEqual([]);
  }, 180_000);
});

/** Changes up to 30 bytes of the file, most of them in the index, by a fixed generator. */
function mutated(bytes: Buffer, seed: number): Buffer {
  let state = seed * 2_654_435_761;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  const copy = Buffer.from(bytes);
  const index = bodyOf(copy, 'moov');
  for (let count = next(30) + 1; count > 0; count--) {
    const at = next(5) === 0 ? next(copy.length) : index + next(copy.length - index);
    copy[at] = next(256);
  }
  return copy;
}
