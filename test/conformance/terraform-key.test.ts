import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from '../helpers/control-plane/services/kms.ts';
import {
  gcloudHere,
  PLACE,
  REGION,
  type Site,
  sent,
  succeeded,
  Workshop,
} from '../helpers/control-plane/site.ts';
import { Terraform, terraformHere } from '../helpers/terraform.ts';
import { expectNothingEscaped } from '../helpers/terraform-apps.ts';

const gcloud = gcloudHere('terraform, a key');
const provider = terraformHere('terraform, a key');

const isAsked = process.env['DEPLOYMENTS'] === 'all';

describe.runIf(isAsked && gcloud !== undefined && provider !== undefined)(
  "a key of one's own as Terraform",
  () => {
    let workshop: Workshop;
    let site: Site;
    const folder = mkdtempSync(join(tmpdir(), 'terraform-key-'));

    beforeAll(async () => {
      workshop = await Workshop.open();
      site = await workshop.site();
    });
    afterAll(async () => {
      rmSync(folder, { recursive: true, force: true });
      await workshop?.close();
    });

    it('encrypts what gcloud would, and logs who reads data: --verify is clean and a second plan is empty', async () => {
      const key = makeKey(site.plane.cloud, REGION);
      const args = [...PLACE, '--kms-key', key, '--audit-data-access'];
      succeeded(await site.run([...args, '--format', 'terraform', '--out', folder]));
      const tf = new Terraform(provider!, site.plane, site.env, folder);
      const applied = await tf.apply();
      expect(applied.code, applied.said.slice(-6_000)).toBe(0);
      expect(sent(succeeded(await site.run([...args, '--verify'])))).toEqual([]);
      expect(await tf.plan()).toEqual([]);
      tf.close();
      expectNothingEscaped(site);
    }, 900_000);
  },
);
