import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUBSCRIPTIONS } from '../helpers/control-plane/expected.ts';
import type { Picture } from '../helpers/control-plane/picture.ts';
import { list, object } from '../helpers/control-plane/shapes.ts';
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

const gcloud = gcloudHere('deploy, drift');

describe.runIf(gcloud !== undefined)('deploy.sh in a project that has the pipeline', () => {
  let workshop: Workshop;
  let main: Site;
  /** State that every test starts from and restores. */
  let made: Picture;

  beforeAll(async () => {
    workshop = await Workshop.open();
    main = await workshop.deployedSite();
    made = main.picture();
  }, 900_000);
  afterAll(() => workshop?.close());

  describe('when the project was changed by hand', () => {
    it('--verify names each difference and repairs none; a deployment repairs them all', async () => {
      const { resources, policies } = main.plane.cloud.state;
      const names = [...resources.keys()];
      const trigger = names.find((name) => /subscriptions\/eventarc-.*-pipeline-processvideo-/.test(name))!;
      delete resources.get(trigger)!['deadLetterPolicy'];
      resources.get(`b/${PROJECT}-pipeline-raw`)!['iamConfiguration'] = {
        uniformBucketLevelAccess: { enabled: true },
        publicAccessPrevention: 'inherited',
      };
      const service = `projects/${PROJECT}/locations/${REGION}/services/pipeline-processvideo`;
      policies.get(service)!.bindings[0]!.members.push('allUsers');
      const project = policies.get(`projects/${PROJECT}`)!;
      project.bindings.push({
        role: 'roles/editor',
        members: [`serviceAccount:pipeline-ingestevent@${PROJECT}.iam.gserviceaccount.com`],
      });
      const lost = policies.get(`b/${PROJECT}-pipeline-state`)!;
      lost.bindings = lost.bindings.filter(({ role }) => role !== 'roles/storage.objectUser');
      const differing = main.picture();

      const looked = await main.run([...PLACE, '--verify']);
      expect(looked.code, looked.said).toBe(1);
      expect(sent(looked)).toEqual([]);
      expect(main.picture()).toEqual(differing);
      expect(looked.said).toMatch(/no dead-letter policy/);
      expect(looked.said).toMatch(/public access is not prevented/);
      expect(looked.said).toMatch(/allUsers/);
      expect(looked.said).toMatch(/roles\/editor/);
      expect(looked.said).toMatch(/roles\/storage.objectUser/);

      succeeded(await main.run(PLACE));
      expect(main.picture()).toEqual(made);
    });

    it('settings of every kind are read back, reported and repaired', async () => {
      const { resources } = main.plane.cloud.state;
      const at = (kind: string, id: string) =>
        [...resources].find(([name]) => name.includes(`/${kind}/`) && name.includes(id))![1];
      const orphaned = `projects/${PROJECT}/topics/pipeline-replay-ingestevent`;
      resources.delete(orphaned);
      at('subscriptions', 'pipeline-replay-ingestevent')['topic'] = '_deleted-topic_';
      at('subscriptions', 'pipeline-dead-letters-kept')['messageRetentionDuration'] = '600s';
      at('subscriptions', 'pipeline-replay-processvideo')['pushConfig'] = {};
      delete at('subscriptions', 'pipeline-push-inspectdeadletter')['deadLetterPolicy'];
      at('jobs', 'pipeline-maintain')['state'] = 'PAUSED';
      const ingest = object(at('functions', 'pipeline-ingestevent')['serviceConfig']);
      ingest['availableMemory'] = '512Mi';
      object(ingest['environmentVariables'])['LAKE_BUCKET'] = 'other';
      object(ingest['environmentVariables'])['EXTRA'] = '1';
      const video = at('functions', 'pipeline-processvideo');
      object(video['eventTrigger'])['retryPolicy'] = 'RETRY_POLICY_DO_NOT_RETRY';
      object(video['serviceConfig'])['ingressSettings'] = 'ALLOW_ALL';
      resources.delete(`projects/${PROJECT}/metrics/pipeline_dlq_messages_total`);
      list(object(at('dashboards', '')['mosaicLayout'])['tiles']).pop();
      object(list(at('alertPolicies', '')['conditions'])[0])['displayName'] = 'another';
      resources.get(`b/${PROJECT}-pipeline-state`)!['lifecycle'] = { rule: [] };
      resources.get(`b/${PROJECT}-pipeline-lake`)!['versioning'] = { enabled: true };

      const looked = await main.run([...PLACE, '--verify']);
      expect(looked.code, looked.said).toBe(1);
      expect(sent(looked)).toEqual([]);
      for (const told of [
        /topic pipeline-replay-ingestevent/,
        /subscription pipeline-replay-ingestevent/,
        /pipeline-dead-letters-kept: .*retention is 600, not 604800/,
        /pipeline-replay-processvideo: .*push endpoint is not set/,
        /pipeline-push-inspectdeadletter: .*it has no dead-letter policy/,
        /pipeline-maintain: it is paused/,
        /pipeline-ingestevent: .*memory is 512Mi, not 1Gi.*EXTRA, LAKE_BUCKET/,
        /pipeline-processvideo: .*ALLOW_ALL.*DO_NOT_RETRY/,
        /metric pipeline_dlq_messages_total/,
        /dashboard pipeline/,
        /alert pipeline/,
        /pipeline-state: its lifecycle differs/,
        /pipeline-lake: versions are kept/,
      ]) {
        expect(looked.said).toMatch(told);
      }
      succeeded(await main.run(PLACE));
      const { resources: mended, bindings } = main.picture();
      expect(bindings).toEqual(made.bindings);
      // Off counts as never set.
      const lake = mended[`b/${PROJECT}-pipeline-lake`]!;
      expect(lake['versioning']).toEqual({ enabled: false });
      delete lake['versioning'];
      expect(mended).toEqual(made.resources);
      delete resources.get(`b/${PROJECT}-pipeline-lake`)!['versioning'];
    });

    it("a new version that loses the trigger's dead-letter policy gets it back, and the run reports that", async () => {
      workshop.tree.change();
      main.plane.cloud.faults.recreateSubscriptions = true;
      const before = [...main.plane.cloud.state.resources.keys()].filter((name) =>
        /eventarc-.*-sub-/.test(name),
      );
      const run = succeeded(await main.run(PLACE));
      main.plane.cloud.faults.clear();
      const after = [...main.plane.cloud.state.resources.keys()].filter((name) =>
        /eventarc-.*-sub-/.test(name),
      );
      expect(after).toHaveLength(1);
      // The subscription really was recreated.
      expect(after.filter((name) => before.includes(name))).toEqual([]);
      expect(
        run.mutations.filter(({ path, method }) => method === 'PATCH' && /functions\//.test(path)),
      ).toHaveLength(4);
      expect(run.said).toMatch(/no dead-letter policy/);
      const { resources, bindings } = main.picture();
      expect(resources).toMatchObject(SUBSCRIPTIONS);
      expect(bindings).toEqual(made.bindings);
      made = main.picture();
    });
  });

  describe('a second deployment in the same project', () => {
    it('is deployed and removed by its prefix, and the first stays as it is', async () => {
      const second = ['--prefix', 'staging'];
      succeeded(await main.run([...PLACE, ...second]));
      const both = main.picture();
      expect(both.resources).toMatchObject(made.resources);
      expect(both.bindings).toEqual(expect.arrayContaining(made.bindings));
      const functions = Object.keys(both.resources).filter((name) => name.includes('/functions/'));
      expect(functions).toHaveLength(8);
      const mixed = both.bindings.filter((line) =>
        /\bpipeline-.*\bstaging-|\bstaging-.*\bpipeline-/.test(line),
      );
      expect(mixed).toEqual([]);
      expect(sent(succeeded(await main.run([...PLACE, '--verify'])))).toEqual([]);

      succeeded(await main.run([...PLACE, ...second, '--destroy', '--yes', '--with-data']));
      expect(main.picture()).toEqual(made);
    });
  });
});
