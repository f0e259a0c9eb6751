import { readdirSync, readFileSync } from 'node:fs';
import { findFfmpeg } from '../../functions/video/media/ffmpeg.ts';
import { openVideoFile } from '../../functions/video/media/open-video.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { fileStore } from './file-store.ts';

/**
 * A process that reads one frame and reports the memory it took: `file <path> <seconds>` over a local
 * file, `gcs <endpoint> <bucket> <object> <seconds>` through the client library. Prints one line of JSON.
 */
interface Source {
  store: ObjectStore;
  object: { name: string; generation: string; size: number };
  seconds: number;
}

async function source([kind, ...rest]: string[]): Promise<Source> {
  if (kind === 'file') {
    const [path = '', seconds] = rest;
    return { ...(await fileStore(path)), seconds: Number(seconds) };
  }
  const [apiEndpoint = '', bucket = '', name = '', seconds] = rest;
  const { createGcsStorage } = await import('../../shared/storage/gcs.ts');
  const store = createGcsStorage({ apiEndpoint, projectId: 'bench' }).bucket(bucket);
  const object = await store.stat(name);
  if (!object) throw new Error(`no object ${name} in ${bucket}`);
  return { store, object, seconds: Number(seconds) };
}

const peaks = new Map<number, number>();

/** Peak resident bytes of this process and of each ffmpeg it started, by the kernel's own account. */
function look(): void {
  for (const pid of [process.pid, ...descendants(process.pid)]) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const name = /^Name:\s+(\S+)/m.exec(status)?.[1] ?? '';
      const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
      if (pid === process.pid || name.startsWith('ffmpeg')) {
        peaks.set(pid, Math.max(peak, peaks.get(pid) ?? 0));
      }
    } catch {
      // The process ended after the listing.
    }
  }
}

/** Processes below one, at any depth: in the sandbox, ffmpeg is a child of its shell. */
function descendants(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  const children = readdirSync(tasks).flatMap((task) => {
    const listed = readFileSync(`${tasks}/${task}/children`, 'utf8').trim();
    return listed === '' ? [] : listed.split(' ').map(Number);
  });
  return children.flatMap((child) => {
    try {
      return [child, ...descendants(child)];
    } catch {
      // it ended after the listing
      return [];
    }
  });
}

const { store, object, seconds } = await source(process.argv.slice(2));
const ffmpeg = await findFfmpeg(process.env['FFMPEG_PATH']);
const timer = setInterval(look, 4);
const video = await openVideoFile({
  store,
  object,
  ffmpeg,
  limits: { maxSeconds: 20_000, maxPixels: 40_000_000 },
});
const frame = await video.frameAt(seconds);
clearInterval(timer);
look();
const own = peaks.get(process.pid) ?? 0;
peaks.delete(process.pid);
process.stdout.write(
  `${JSON.stringify({
    time: frame.time,
    traffic: video.traffic,
    nodeBytes: own,
    ffmpegBytes: Math.max(0, ...peaks.values()),
  })}\n`,
);
await video.close();
