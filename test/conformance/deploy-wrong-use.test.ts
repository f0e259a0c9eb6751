import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quotaExceeded, unmet } from '../helpers/control-plane/api-error.ts';
import type { Run } from '../helpers/control-plane/deploy.ts';
import { putBucket } from '../helpers/control-plane/services/storage.ts';
import {
  gcloudHere,
  PLACE,
  PROJECT,
  REGION,
  type Site,
  sent,
  succeeded,
  Workshop,
} from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy, wrong use');

describe.runIf(gcloud !== undefined)('deploy.sh in a project that is not ready for it', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
  });
  afterAll(() => workshop?.close());

  /** Expects an error whose last line names what to do. */
  function refused(run: Run, ...says: RegExp[]): void {
    expect(run.code, run.said).toBe(1);
    const lines = run.stderr.trim().split('\n');
    expect(lines, run.said).toHaveLength(1);
    for (const one of says) expect(lines[0]).toMatch(one);
  }

  /** Expects that the problem was found before the first change. */
  function changedNothing(run: Run): void {
    expect(sent(run)).toEqual([]);
  }

  const impatient = [...PLACE, '--patience', '3'];
  const enabled = (site: Site): void => {
    for (const api of ['storage', 'cloudbilling', 'iam', 'pubsub']) {
      site.plane.cloud.state.services.add(`${api}.googleapis.com`);
    }
  };

  it('no login', async () => {
    const site = await workshop.site();
    const run = await site.run(impatient, { env: { CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: '' } });
    refused(run, /gcloud auth login/);
    changedNothing(run);
  });

  it('an expired login', async () => {
    const site = await workshop.site();
    const run = await site.run(impatient, {
      env: { CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: '', CLOUDSDK_AUTH_ACCESS_TOKEN: 'ya29.expired' },
    });
    refused(run, /gcloud auth login/);
    changedNothing(run);
  });

  it('a project that does not exist or belongs to somebody else', async () => {
    const site = await workshop.site();
    const run = await site.run(['--project', 'other-project', '--region', REGION, '--patience', '3']);
    refused(run, /other-project/, /gcloud projects list/);
    changedNothing(run);
  });

  it('no billing', async () => {
    const site = await workshop.site();
    enabled(site);
    site.plane.cloud.state.project.billing = false;
    const run = await site.run(impatient);
    refused(run, /billing/, /gcloud billing projects link demo-project/);
    changedNothing(run);
  });

  it('no billing, in a project with the billing API off: the first change reports it', async () => {
    const site = await workshop.site();
    site.plane.cloud.state.project.billing = false;
    refused(await site.run(impatient), /gcloud billing projects link demo-project/);
    expect(Object.keys(site.picture().resources)).toEqual([]);
  });

  it('a bucket of an earlier deployment in another region', async () => {
    const site = await workshop.site();
    enabled(site);
    putBucket(site.plane.cloud, { location: 'us-central1' }, `${PROJECT}-pipeline-raw`);
    const run = await site.run(impatient);
    refused(run, /demo-project-pipeline-raw is in us-central1, not in europe-west1/, /--region us-central1/);
    changedNothing(run);
  });

  it('an unknown region', async () => {
    const site = await workshop.site();
    const run = await site.run(['--project', PROJECT, '--region', 'europe-west99', '--patience', '3']);
    refused(run, /europe-west99/, /--region/);
  });

  it('a bucket name that is taken', async () => {
    const site = await workshop.site();
    enabled(site);
    site.plane.cloud.state.taken.set(`${PROJECT}-pipeline-lake`, 'somebody');
    const run = await site.run(impatient);
    refused(run, /demo-project-pipeline-lake/, /--prefix/);
    changedNothing(run);
  });

  it('a missing permission: named before the first change', async () => {
    const site = await workshop.site();
    enabled(site);
    site.plane.cloud.faults.denied.add('iam.serviceAccounts.create');
    const run = await site.run(impatient);
    refused(run, /iam\.serviceAccounts\.create/, /ask an owner/);
    changedNothing(run);
  });

  it('a missing permission for the first read', async () => {
    const site = await workshop.site();
    site.plane.cloud.faults.denied.add('serviceusage.services.list');
    refused(await site.run(impatient), /serviceusage\.services\.list/, /ask an owner/);
  });

  it('an API that is enabled, and refuses as if it were not: the next run enables it if somebody turned it off', async () => {
    const site = await workshop.site();
    enabled(site);
    site.plane.cloud.faults.add({
      permission: 'storage.buckets.create',
      error: unmet(
        'Cloud Storage API storage.googleapis.com has not been used in project demo-project before or it is disabled.',
      ),
    });
    refused(await site.run(impatient), /storage\.googleapis\.com/, /not known everywhere yet: run it again/);
    site.plane.cloud.faults.clear();
    site.plane.cloud.state.services.delete('storage.googleapis.com');
    const dry = succeeded(await site.run([...PLACE, '--dry-run']));
    expect(dry.stdout).toMatch(/services enable .*storage\.googleapis\.com/);
  });

  it('an exhausted quota: the next run continues from there', async () => {
    const site = await workshop.site();
    const error = quotaExceeded('pubsub.googleapis.com', '123456789012');
    site.plane.cloud.faults.add({ permission: 'pubsub.topics.create', error });
    refused(await site.run(impatient), /quota/i, /iam-admin\/quotas/);
    site.plane.cloud.faults.clear();
    const bucketsBefore = Object.keys(site.picture().resources).filter((name) => name.startsWith('b/'));
    expect(bucketsBefore).toHaveLength(4);
    const dry = succeeded(await site.run([...PLACE, '--dry-run']));
    expect(dry.stdout).not.toContain('storage buckets create');
    expect(dry.stdout).toContain('pubsub topics create');
  });

  it('--dry-run in an empty project: every command, and no change', async () => {
    const site = await workshop.site();
    const before = site.picture();
    const run = succeeded(await site.run([...PLACE, '--dry-run']));
    changedNothing(run);
    expect(site.picture()).toEqual(before);
    const commands = run.stdout.split('\n').filter((line) => /^gcloud /.test(line));
    process.stdout.write(`deploy: a dry run prints ${commands.length} commands\n`);
    expect(commands.length).toBeGreaterThan(80);
    expect(run.stdout).toMatch(/^#!.*bash/);
  });

  it.each([
    [[], /--project/],
    [['--project', PROJECT], /--region/],
    [[...PLACE, '--frobnicate'], /--frobnicate/],
    [[...PLACE, '--only', 'nosuch'], /processVideo.*got "nosuch"/],
    [[...PLACE, '--with-data'], /--destroy/],
    [['--project', 'No Project', '--region', REGION], /No Project/],
  ])('wrong options %j: exit code 2, and nothing asked', async (args, says) => {
    const site = await workshop.site();
    const run = await site.run(args, { env: { GOOGLE_CLOUD_PROJECT: '', REGION: '' } });
    expect(run.code, run.said).toBe(2);
    expect(run.stderr).toMatch(says);
    expect(run.requests).toEqual([]);
  });
});
