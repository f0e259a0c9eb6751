import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../cli/common/options.ts';
import type { Say } from './apply.ts';
import { type Gcloud, GcloudError } from './gcloud.ts';
import { oneLine } from './remediations.ts';

/** The deployed function that decodes videos. */
export interface Decoder {
  /** Name of the function and of its service. */
  name: string;
  project: string;
  region: string;
}

/** What the function logs when it decodes for the first time. */
interface Chosen {
  path?: string;
  version?: string;
  source?: string;
}

/**
 * Says which ffmpeg the deployed revision runs. Throws Failure if it is the one of 2018 from npm, whose decoders no
 * longer get fixes. Logs arrive late, and may be off: then it says so, and goes on.
 */
export async function checkFfmpeg(
  gcloud: Gcloud,
  { name, project, region }: Decoder,
  say: Say,
  waits: { log: number; look: number },
): Promise<void> {
  const place = [`--project=${project}`, `--region=${region}`];
  try {
    const { serviceConfig } = await gcloud.read<{ serviceConfig?: { revision?: string } }>(
      ...['functions', 'describe', name, '--v2', ...place],
    );
    const filter = [
      'resource.type="cloud_run_revision"',
      `resource.labels.service_name="${name}"`,
      `resource.labels.revision_name="${serviceConfig?.revision ?? ''}"`,
      'jsonPayload.message="ffmpeg chosen"',
    ].join(' AND ');
    const read = ['logging', 'read', filter, '--limit=1', '--freshness=30d', `--project=${project}`];
    for (const end = Date.now() + waits.log; ; ) {
      const [entry] = await gcloud.read<{ jsonPayload?: Chosen }[]>(...read);
      if (entry?.jsonPayload) return judge(entry.jsonPayload, say);
      if (Date.now() > end) return say(`smoke: the log of ${name} does not say which ffmpeg it runs`);
      await sleep(waits.look);
    }
  } catch (error) {
    if (!(error instanceof GcloudError)) throw error;
    say(`smoke: which ffmpeg ${name} runs could not be looked up: ${oneLine(error.text, 200)}`);
  }
}

function judge({ path = '?', version = '?', source }: Chosen, say: Say): void {
  if (source === 'bundled') {
    throw new Failure(
      `smoke: the function runs ffmpeg ${version} of 2018 from npm, whose decoders no longer get fixes: deploy it where ffmpeg is on PATH (runtimes on the full stack have it), or name one in FFMPEG_PATH`,
    );
  }
  say(`smoke: the function runs ffmpeg ${version} (${path})`);
}
