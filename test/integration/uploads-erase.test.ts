import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runUploads } from '../../cli/uploads/command.ts';
import { uploadIdOf, videoNames } from '../../functions/video/records.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import type { CliRun } from '../helpers/lake.ts';

let gcs: TestGcs;
beforeAll(async () => {
  gcs = await startTestGcs({ buckets: ['raw', 'frames', 'state'] });
  await writeFile(join(gcs.dir, 'endpoints.json'), JSON.stringify({ gcs: gcs.server.url }));
});
afterAll(() => gcs.close());

async function erase(...args: string[]): Promise<CliRun> {
  const texts = ['', ''];
  const [stdout, stderr] = [0, 1].map(
    (index) =>
      new Writable({
        write(chunk, _encoding, done) {
          texts[index] += String(chunk);
          done();
        },
      }),
  ) as [Writable, Writable];
  const code = await runUploads(['erase', ...args, '--local', gcs.dir], { stdout, stderr, env: {} });
  return { code, stdout: texts[0] ?? '', stderr: texts[1] ?? '' };
}

async function namesIn(bucket: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of gcs.storage().bucket(bucket).list()) names.push(name);
  return names;
}

/** Writes what processVideo stores for one upload. */
async function leaveTraces(name: string, generation: string, leaseMs = -1): Promise<string[]> {
  const object = { bucket: 'raw', name, generation };
  const names = videoNames(object);
  const storage = gcs.storage();
  const put = (bucket: string, key: string, value: unknown): Promise<unknown> =>
    storage.bucket(bucket).putIfAbsent(key, Buffer.from(JSON.stringify(value)));
  await put('frames', names.manifest, { correlationId: `c-${generation}` });
  await put('frames', names.frame(0, 4.84, 'png'), {});
  await put('frames', names.contactSheet(0, 'webp'), {});
  await put('frames', names.frame(0, 4.84, 'webp', 320), {});
  await put('frames', names.preview(0), {});
  await put('frames', videoNames(object, 'a1b2c3d4e5f60718').clip(0), {});
  for (const key of [names.coarse, names.detection, names.published]) await put('state', key, {});
  await put('state', names.lease, { owner: 'x', expiresAt: Date.now() + leaseMs });
  await put('state', `failures/processVideo/${uploadIdOf(object)}/0001.json`, {});
  return [names.manifest];
}

test('one generation, then all of a name: no other upload loses anything, and a second run does nothing', async () => {
  await leaveTraces('clips/a b.mp4', '111');
  await leaveTraces('clips/a b.mp4', '222');
  // its name looks like an object in the folder of the first one's frames
  await leaveTraces('clips/a b.mp4/111/manifest.json', '333');
  await leaveTraces('clips/a b.mp4/111', '444');
  const before = { frames: await namesIn('frames'), state: await namesIn('state') };

  const dry = await erase('gs://raw/clips/a b.mp4#111', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain('gs://frames/clips/a b.mp4/111/frame-01-00m04.840s.png\n');
  expect(dry.stdout).toContain('6 objects in gs://frames and 5 in gs://state');
  expect([await namesIn('frames'), await namesIn('state')]).toEqual([before.frames, before.state]);

  const one = await erase('gs://raw/clips/a b.mp4#111', '--yes');
  expect(one.stdout).toMatch(/^6 objects in gs:\/\/frames and 5 in gs:\/\/state, .*: deleted$/m);
  expect(one.stdout).toContain("npx pipeline lake erase --correlation 'c-111' --reason …");
  expect(one.stdout).toContain("--source '/processVideo/raw' --subject 'objects/clips/a%20b.mp4'");
  const left = (generation: string): string[] =>
    before.frames.filter((name) => name.includes(`/${generation}/`));
  expect(await namesIn('frames')).toEqual(
    before.frames.filter(
      (name) => !/^clips\/a b\.mp4\/111\/(frame-|contact|preview|q-|manifest\.json$)/.test(name),
    ),
  );

  const all = await erase('gs://raw/clips/a b.mp4', '--yes', '--json');
  expect(JSON.parse(all.stdout)).toMatchObject({ deleted: 11, generations: ['222'], isLive: false });
  expect(await namesIn('frames')).toEqual([...left('333'), ...left('444')].sort());
  expect(await namesIn('state')).toHaveLength(10);
  const again = await erase('gs://raw/clips/a b.mp4', '--yes');
  expect(again.code).toBe(0);
  expect(again.stdout).toMatch(/^nothing is left of it/);
});

test('an upload that is being processed is left alone until its lease ends', async () => {
  await leaveTraces('busy.mp4', '5', 60_000);
  const run = await erase('gs://raw/busy.mp4', '--yes');
  expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(run.stderr).toMatch(/^it is being processed: its lease ends in (60|59)\.\d s/);
  expect(await namesIn('frames')).toContain('busy.mp4/5/manifest.json');
});

test.each([
  [[], /^exactly one upload must be given as gs:\/\/BUCKET\/NAME, got 0/],
  [['busy.mp4', '--yes'], /^the upload must be gs:\/\/BUCKET\/NAME.*got "busy\.mp4"/],
  [['gs://raw/busy.mp4'], /^this cannot be undone: pass --yes/],
])('wrong usage %j', async (args, message) => {
  const run = await erase(...args);
  expect(run).toMatchObject({ code: 2, stdout: '' });
  expect(run.stderr).toMatch(message);
});
