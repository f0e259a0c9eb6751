import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { gcloudHere, PLACE, PROJECT, succeeded, Workshop } from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy, smoke');

describe.runIf(gcloud !== undefined)(
  'deploy.sh --smoke, with the deployed functions run by the local cloud',
  () => {
    let workshop: Workshop;
    let local: LocalCloud;
    let dir: string | undefined;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'deploy-smoke-'));
      workshop = await Workshop.open();
      local = await startLocalCloud({ dir });
    });
    afterAll(async () => {
      await local?.close();
      await workshop?.close();
      if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    });

    it('a clip becomes a manifest and a row, and is removed again', async () => {
      const { plane, run } = await workshop.site();
      plane.cloud.objects = {
        url: local.endpoints.gcs,
        bucket: (name) => name.replace(`${PROJECT}-pipeline-`, ''),
      };
      plane.cloud.logs.push({
        // one of the revision that is deployed, as the filter must say
        textPayload: 'resource.labels.revision_name="pipeline-processvideo-0',
        insertId: '1',
        jsonPayload: { message: 'ffmpeg chosen', path: '/usr/bin/ffmpeg', version: '7.1', source: 'path' },
      });
      const ended = succeeded(
        await run([...PLACE, '--smoke'], { env: { STORAGE_API_ENDPOINT: `${plane.url}/storage` } }),
      );
      expect(ended.said).toMatch(/smoke: uploaded gs:\/\/demo-project-pipeline-raw\/smoke\//);
      expect(ended.said).toMatch(/smoke: framed after \d+ s/);
      expect(ended.said).toContain('smoke: the function runs ffmpeg 7.1 (/usr/bin/ffmpeg)');
      expect(ended.said).toMatch(/smoke: row [0-9a-f]{16} in gs:\/\/demo-project-pipeline-lake\/events/);
      expect(ended.said).toMatch(/smoke: passed/);
      const left = async (bucket: string): Promise<string[]> => {
        const names: string[] = [];
        for await (const one of local.storage.bucket(bucket).list({ prefix: 'smoke/' })) names.push(one.name);
        return names;
      };
      expect(await left('raw')).toEqual([]);
      expect(await left('frames')).toEqual([]);
    }, 900_000);
  },
);
