import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Failure } from '../cli/common/options.ts';
import { findFfmpeg } from '../functions/video/media/ffmpeg.ts';
import { videoNames } from '../functions/video/records.ts';
import { makeDemoClip } from '../local/demo-clip.ts';
import type { Say } from './apply.ts';
import type { Gcloud } from './gcloud.ts';
import { GcloudError } from './gcloud.ts';
import { oneLine } from './remediations.ts';
import { checkFfmpeg, type Decoder } from './smoke-ffmpeg.ts';
import { ROOT } from './source.ts';

export interface Smoke {
  gcloud: Gcloud;
  buckets: { raw: string; frames: string; lake: string };
  decoder: Decoder;
  settings: Readonly<Record<string, string>>;
  /** Environment of the pipeline command, which looks for the row. */
  env: NodeJS.ProcessEnv;
  say: Say;
  /** Time limits for manifest, row and log, and the interval between two polls (`look`), in milliseconds. */
  waits?: { manifest: number; row: number; log: number; look: number };
}

const WAITS = { manifest: 600_000, row: 180_000, log: 60_000, look: 5_000 };

/**
 * Uploads a clip, waits for its manifest and its row in the table, looks which ffmpeg took the frame, and deletes the
 * clip and its frames.
 */
export async function smoke(options: Smoke): Promise<void> {
  const { gcloud, buckets, decoder, settings, env, say, waits = WAITS } = options;
  const started = Date.now();
  const seconds = (): string => `${((Date.now() - started) / 1_000).toFixed(0)} s`;
  const id = `smoke-${started}`;
  const name = `${settings['NAME_PREFIX'] ?? ''}smoke/${started}.mp4`;
  const url = `gs://${buckets.raw}/${name}`;
  const generation = await upload(gcloud, url, id);
  say(`smoke: uploaded ${url}`);
  const object = { bucket: buckets.raw, name, generation };
  const folderUrl = `gs://${buckets.frames}/${videoNames(object).manifest}`;
  const manifest = await until(() => readManifest(gcloud, folderUrl), waits.manifest, waits.look);
  if (manifest === undefined) {
    throw new Failure(
      `smoke: ${folderUrl} does not exist after ${seconds()}: "./deploy.sh --verify" reports differences, "npx pipeline dlq list --cloud" lists dead letters`,
    );
  }
  if (manifest.outcome === 'rejected') {
    throw new Failure(`smoke: the clip was rejected: ${oneLine(JSON.stringify(manifest.rejection), 500)}`);
  }
  say(`smoke: ${manifest.outcome} after ${seconds()}: ${folderUrl}`);
  await checkFfmpeg(gcloud, decoder, say, waits);
  const table = `gs://${buckets.lake}/${settings['LAKE_PATH'] ?? 'events'}`;
  const row = await until(() => findRow(table, id, env), waits.row, waits.look);
  if (row === undefined) {
    throw new Failure(
      `smoke: ${table} has no row for ${id} after ${seconds()}: see the log of ingestEvent, "npx pipeline dlq list --cloud" and "./deploy.sh --verify"`,
    );
  }
  say(`smoke: row ${row} in ${table} after ${seconds()}`);
  await gcloud.change(['storage', 'rm', url, `${folderUrl.slice(0, folderUrl.lastIndexOf('/'))}/**`]);
  say('smoke: passed; the clip and its frames were deleted');
}

async function upload(gcloud: Gcloud, url: string, id: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'smoke-'));
  try {
    const path = join(folder, 'clip.mp4');
    await makeDemoClip({ path, ffmpeg: (await findFfmpeg(process.env['FFMPEG_PATH'])).path });
    const asked = `correlation-id=${id},moment=the number 67 fills the screen`;
    await gcloud.change([
      'storage',
      'cp',
      path,
      url,
      '--content-type=video/mp4',
      `--custom-metadata=${asked}`,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const { generation } = await gcloud.read<{ generation: string | number }>(
    'storage',
    'objects',
    'describe',
    url,
  );
  return String(generation);
}

interface Settled {
  outcome: string;
  rejection?: unknown;
}

async function readManifest(gcloud: Gcloud, url: string): Promise<Settled | undefined> {
  try {
    return JSON.parse(await gcloud.text('storage', 'cat', url)) as Settled;
  } catch (error) {
    if (error instanceof GcloudError && /matched no objects|not found|404/i.test(error.text))
      return undefined;
    throw error;
  }
}

/** Queries with the pipeline command, as a user would; undefined if the row or the table does not exist yet. */
async function findRow(table: string, id: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  // tests set the endpoint of another service
  const where = env['STORAGE_API_ENDPOINT'] ? [] : ['--cloud'];
  const args = ['lake', 'query', ...where, '--table', table, '--correlation-id', id, '--format', 'jsonl'];
  const command = [join(ROOT, 'cli/pipeline.js'), ...args];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command, { env });
    const [line] = stdout.split('\n').filter((one) => one !== '');
    return line === undefined
      ? undefined
      : String((JSON.parse(line) as { event_id: string }).event_id).slice(0, 16);
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error);
    if (/no table|does not exist|not found/i.test(said)) return undefined;
    if (/credentials/i.test(said)) {
      throw new Failure(
        'smoke: the pipeline command has no credentials: run "gcloud auth application-default login"',
      );
    }
    throw new Failure(`smoke: the row could not be looked up: ${oneLine(said, 500)}`);
  }
}

async function until<T>(
  look: () => Promise<T | undefined>,
  forMs: number,
  everyMs: number,
): Promise<T | undefined> {
  for (const end = Date.now() + forMs; ; ) {
    const found = await look();
    if (found !== undefined || Date.now() > end) return found;
    await sleep(everyMs);
  }
}
