import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Endpoints } from '../../local/cloud.ts';
import { type DlqScene, deathOf, startDlq } from '../helpers/dlq.ts';
import { makeEventClip } from '../helpers/event-clips.ts';
import { type LakeScene, rowsOfMessage, startLake } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';
import { siblingsOf, smallDisk, unwritablePlaces } from '../helpers/places.ts';
import { shell } from '../helpers/shell.ts';

const dir = await mkdtemp(join(tmpdir(), 'places-'));
const { places, remove } = unwritablePlaces(dir);
const bundles = fileURLToPath(new URL('../../node_modules/.cache/event-pipeline', import.meta.url));
let clip: string;
let lake: LakeScene;
let dlq: DlqScene;

beforeAll(async () => {
  clip = await makeEventClip(dir, 'box.mp4', { seconds: 3, box: [0.8, 1.3] });
  lake = await startLake({ pubsub: true });
  await lake.table.append(rowsOfMessage(structured({ id: 'o-1' }), '2026-11-20T10:00:01Z'));
  dlq = await startDlq({});
  await dlq.write(deathOf(1));
});
afterAll(async () => {
  await lake.close();
  await dlq.close();
  remove();
  await rm(dir, { recursive: true, force: true });
});

describe.each(places)('$what', (place) => {
  test.each([
    ['pipeline process --out', () => `$PIPELINE process ${clip} --out ${place.path}`],
    ['npm start --dir', () => `$START --exit --dir ${place.path} --out ${dir}/out ${clip}`],
  ])('%s: one line, exit code 1, and nothing left behind', async (_, line) => {
    const before = siblingsOf(place);
    const { code, stderr } = await shell(`exec ${line()}`);
    expect(stderr).toMatch(place.reason);
    expect(stderr).toMatch(/^(?:--out )?\S+ cannot be (?:written|used): [^\n]*\n$/);
    expect(code).toBe(1);
    expect(siblingsOf(place)).toEqual(before);
  });
});

test('npm start --out: one line before anything is done, and the folder is unlocked again', async () => {
  const { code, stderr } = await shell(`exec $START --exit --dir ${dir}/state --out /proc/x ${clip}`);
  expect(stderr).toBe('--out /proc/x cannot be written: there is no such file or folder (ENOENT)\n');
  expect(code).toBe(1);
  expect(existsSync(join(dir, 'state/pid'))).toBe(false);
});

describe('standard output that cannot be written', () => {
  test.each([
    ['$PIPELINE --help'],
    ['$PIPELINE process --help'],
    ['$PIPELINE lake query --format jsonl --local $LAKE'],
    ['$PIPELINE dlq list --local $DLQ'],
  ])('%s', async (line) => {
    const command = line.replace('$LAKE', lake.dir).replace('$DLQ', dlq.dir);
    const full = await shell(`exec ${command} > /dev/full`);
    expect(full).toMatchObject({
      code: 1,
      stderr: 'cannot write to standard output: no space left on device (ENOSPC)\n',
    });
    const gone = await shell(`${command} | true; exit \${PIPESTATUS[0]}`);
    expect(gone).toMatchObject({ code: 0, stderr: '' });
  });

  test('pipeline process --json keeps the frames, and says that the list was lost', async () => {
    const out = join(dir, 'kept');
    const { code, stderr } = await shell(`exec $PIPELINE process ${clip} --out ${out} --json > /dev/full`);
    expect(stderr).toMatch(/\ncannot write to standard output: no space left on device \(ENOSPC\)\n$/);
    expect(code).toBe(1);
    expect(readdirSync(out)).toEqual(['box.mp4']);
  });
});

describe('during the work', () => {
  test('a disk with room for the folder but not the frame: no partial frame stays', async ({ skip }) => {
    const disk = smallDisk(join(dir, 'tight'), 4);
    if (!disk) return skip();
    try {
      const { code, stderr } = await shell(`exec $PIPELINE process ${clip} --out ${disk.path}/out`);
      expect(stderr).toMatch(/^--out \S+ cannot be written: no space left on device \(ENOSPC\)\n$/);
      expect(code).toBe(1);
      expect(readdirSync(join(disk.path, 'out'))).toEqual([]);
    } finally {
      disk.remove();
    }
  });

  test('Ctrl-C while a video is processed: exit code 130, and no temporary file stays', async () => {
    const temporary = join(dir, 'temporary');
    await mkdir(temporary);
    await mkdir(bundles, { recursive: true });
    const before = new Set(readdirSync(bundles));
    const { code, stdout } = await shell(
      `TMPDIR=${temporary} exec $PIPELINE process ${clip} --out ${dir}/stopped`,
      (text, kill) => {
        if (/opened mp4/.test(text)) kill('SIGINT');
      },
      150_000,
    );
    expect(stdout).toMatch(/opened mp4/);
    expect(code).toBe(130);
    expect(readdirSync(temporary).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
    expect(readdirSync(join(dir, 'stopped'))).toEqual([]);
    expect(readdirSync(bundles).filter((name) => !before.has(name))).toEqual([]);
  });

  test('npm start: hostile names, a disk that is full for a while, and a folder that vanishes', async () => {
    const disk = smallDisk(join(dir, 'state-disk'), 24 * 1024);
    const home = join(disk?.path ?? dir, 'home');
    const out = join(dir, 'frames');
    const endpoints = (): Endpoints => JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8'));
    const upload = async (name: string): Promise<number> => {
      const query = `uploadType=media&name=${encodeURIComponent(name)}`;
      const answer = await fetch(`${endpoints().gcs}/upload/storage/v1/b/raw/o?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'video/mp4' },
        body: readFileSync(clip),
      });
      return answer.status;
    };
    let seen = '';
    const ended = shell(
      `exec $START --dir ${home} --out ${out} ${clip}`,
      (text) => {
        seen = text;
      },
      170_000,
    );
    try {
      await expect.poll(() => seen, { timeout: 60_000 }).toMatch(/Ctrl-C ends it/);
      expect(await upload('../../../escaped\u001b[2J.mp4')).toBe(200);
      await expect.poll(() => seen, { timeout: 60_000 }).toMatch(/escaped\ufffd\[2J\.mp4: framed/);
      expect(readdirSync(out).sort()).toEqual(['%2E%2E', 'box.mp4']);
      if (disk) {
        disk.fill();
        expect(await upload('no-room.mp4')).toBe(500);
        await expect
          .poll(() => seen)
          .toMatch(/cannot write to \S*home: no space left on device \(ENOSPC\)\n/);
        disk.empty();
      }
      expect(await upload('room-again.mp4')).toBe(200);
      await expect.poll(() => seen, { timeout: 60_000 }).toMatch(/room-again\.mp4: framed/);
      // the functions still write there
      rmSync(home, { recursive: true, maxRetries: 20, retryDelay: 50 });
      const { code, stderr } = await ended;
      expect(stderr).toMatch(/home was removed or taken over while the local cloud was running in it\n$/);
      expect(code).toBe(1);
    } finally {
      disk?.remove();
    }
  }, 180_000);
});
