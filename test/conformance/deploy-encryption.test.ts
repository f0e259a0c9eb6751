import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../helpers/control-plane/api-error.ts';
import { makeKey } from '../helpers/control-plane/services/kms.ts';
import { object } from '../helpers/control-plane/shapes.ts';
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

const gcloud = gcloudHere('deploy, with a key and audit logs');
const AUDIT = '--audit-data-access';
const CHANGED_MEANWHILE = new ApiError(
  'ABORTED',
  'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
);
const SOMEBODYS = { service: 'compute.googleapis.com', auditLogConfigs: [{ logType: 'DATA_READ' }] };

describe.runIf(gcloud !== undefined)('deploy.sh --kms-key and --audit-data-access', () => {
  let workshop: Workshop;
  let site: Site;
  let key: string;
  const args = (): string[] => [...PLACE, '--kms-key', key];
  const audits = () => site.plane.cloud.state.policies.get(`projects/${PROJECT}`)!.auditConfigs ?? [];
  const ours = () => audits().filter(({ service }) => service !== SOMEBODYS.service);
  const all = (kind: string) =>
    Object.entries(site.picture().resources).flatMap(([name, one]) => (name.includes(kind) ? [one] : []));

  beforeAll(async () => {
    workshop = await Workshop.open();
    site = await workshop.deployedSite();
    key = makeKey(site.plane.cloud, REGION);
    site.plane.cloud.state.policies.get(`projects/${PROJECT}`)!.auditConfigs = [SOMEBODYS];
  }, 600_000);
  afterAll(() => workshop?.close());

  it('the printed script encrypts what is there, and turns the logs on', async () => {
    const before = site.picture().bindings.filter((line) => line.startsWith(`projects/${PROJECT} `));
    const { stdout } = succeeded(await site.run([...args(), AUDIT, '--dry-run']));
    succeeded(await site.run([], { script: stdout }));
    expect(all(`b/${PROJECT}-pipeline-`).map(({ encryption }) => encryption)).toEqual(
      Array.from({ length: 4 }, () => ({ defaultKmsKeyName: key })),
    );
    expect(all('/topics/pipeline-').every(({ kmsKeyName }) => kmsKeyName === key)).toBe(true);
    const functions = all('/functions/');
    expect(functions).toHaveLength(4);
    for (const { kmsKeyName, buildConfig } of functions) {
      expect(kmsKeyName).toBe(key);
      expect(object(buildConfig!)['dockerRepository']).toMatch(/\/repositories\/pipeline-[0-9a-f]{8}$/);
    }
    const agents = ['gcf-admin-robot', 'gcp-sa-artifactregistry', 'gcp-sa-eventarc', 'gcp-sa-pubsub'];
    const { bindings } = site.picture();
    expect(bindings.filter((line) => line.startsWith(key))).toEqual(
      [...agents, 'gs-project-accounts', 'serverless-robot-prod'].map(
        (agent) =>
          `${key} roles/cloudkms.cryptoKeyEncrypterDecrypter serviceAccount:service-123456789012@${agent}.iam.gserviceaccount.com`,
      ),
    );
    expect(bindings.filter((line) => line.startsWith(`projects/${PROJECT} `))).toEqual(before);
    const logged = [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }];
    expect(audits()).toEqual([SOMEBODYS, { service: 'storage.googleapis.com', auditLogConfigs: logged }]);
    expect(sent(succeeded(await site.run([...args(), AUDIT, '--verify'])))).toEqual([]);
  }, 900_000);

  it('a new version keeps both, and a lost role or log is named and mended', async () => {
    workshop.tree.change();
    const policies = site.plane.cloud.state.policies;
    policies.get(key)!.bindings[0]!.members.shift();
    policies.get(`projects/${PROJECT}`)!.auditConfigs = [SOMEBODYS];
    const looked = await site.run([...args(), AUDIT, '--verify']);
    expect(looked.code).toBe(1);
    expect(looked.said).toMatch(/differs: grant roles\/cloudkms\.cryptoKeyEncrypterDecrypter/);
    expect(looked.said).toMatch(/differs: update data access audit logs of demo-project/);
    // somebody changes the policy between our read and our write
    site.plane.cloud.faults.add({
      permission: 'resourcemanager.projects.setIamPolicy',
      error: CHANGED_MEANWHILE,
      times: 1,
    });
    succeeded(await site.run([...args(), AUDIT]));
    expect(ours()).toHaveLength(1);
    expect(all('/functions/').every(({ kmsKeyName }) => kmsKeyName === key)).toBe(true);
    expect(sent(succeeded(await site.run([...args(), AUDIT])))).toEqual([]);
  }, 600_000);

  it('without the option our logs are turned off, and only ours; the key stays', async () => {
    const run = succeeded(await site.run(PLACE));
    expect(run.said).toMatch(/storage\.googleapis\.com logs it, and no option asks for it/);
    expect(audits()).toEqual([SOMEBODYS]);
    expect(all('/functions/').every(({ kmsKeyName }) => kmsKeyName === key)).toBe(true);
    expect(sent(succeeded(await site.run([...args(), '--verify'])))).toEqual([]);
  });

  it('a key that cannot encrypt is refused before anything is changed', async () => {
    object(site.plane.cloud.get(key)!['primary']!)['state'] = 'DISABLED';
    const refused = await site.run(args());
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/must have a primary version that is ENABLED, got DISABLED/),
    ]);
    expect(sent(refused)).toEqual([]);
    const none = await site.run([...PLACE, '--kms-key', key.replace(/key$/, 'gone')]);
    expect(none.stderr).toMatch(/must be a key that you may see/);
    object(site.plane.cloud.get(key)!['primary']!)['state'] = 'ENABLED';
  });

  it('--destroy turns the logs off and deletes the repository; the key stays', async () => {
    succeeded(await site.run([...args(), AUDIT]));
    expect(ours()).toHaveLength(1);
    site.plane.cloud.faults.add({
      permission: 'resourcemanager.projects.setIamPolicy',
      error: CHANGED_MEANWHILE,
      times: 1,
    });
    succeeded(await site.run([...PLACE, '--destroy', '--yes', '--with-data']));
    expect(audits()).toEqual([SOMEBODYS]);
    expect(
      [...site.plane.cloud.state.resources.keys()].filter((name) => name.includes('/repositories/pipeline-')),
    ).toEqual([]);
    expect(site.plane.cloud.get(key)).toBeDefined();
  });
});
