import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gcloudHere, PLACE, type Site, succeeded, Workshop } from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy-sources');

const ALL = [
  ...['--audit-logs', 'storage.googleapis.com/storage.buckets.create'],
  ...['--object-deletions', 'raw,frames', '--ticks', '0 * * * *'],
];
const AT = 'demo-project.iam.gserviceaccount.com';
const SERVICES = 'projects/demo-project/locations/europe-west1/services/pipeline-';
const TOPICS = 'projects/demo-project/topics/pipeline-';

describe.runIf(gcloud !== undefined)('deploy.sh with the options of the services', () => {
  let workshop: Workshop;
  let site: Site;

  beforeAll(async () => {
    workshop = await Workshop.open();
    site = await workshop.site();
  });
  afterAll(() => workshop?.close());

  const ofKind = (kind: string): string[] =>
    Object.keys(site.picture().resources).filter((name) => name.includes(`/${kind}/`));

  it('a dry run, piped to bash, makes everything', async () => {
    const dry = succeeded(await site.run([...PLACE, ...ALL, '--dry-run']));
    expect(dry.mutations).toEqual([]);
    expect(dry.stdout).toContain(
      '# note: demo-project has no Data Access audit logs for storage.googleapis.com',
    );
    succeeded(await site.run([], { script: dry.stdout }));
    const again = succeeded(await site.run([...PLACE, ...ALL, '--verify']));
    expect(again.stdout).toContain('everything matches the desired state');
  }, 900_000);

  it('makes the functions, their triggers, roles, topics and the job', () => {
    const { resources, bindings } = site.picture();
    const triggers = Object.values(resources).flatMap(({ destination, eventFilters, serviceAccount }) =>
      destination !== undefined && 'cloudRun' in (destination as object)
        ? [{ destination, eventFilters, serviceAccount }]
        : [],
    );
    const trigger = (name: string, ...filters: [string, string][]) => ({
      destination: { cloudRun: { service: `pipeline-${name}`, region: 'europe-west1' } },
      eventFilters: expect.arrayContaining(
        filters.map(([attribute, value]) => ({ attribute, value })),
      ) as unknown,
      serviceAccount: `pipeline-${name}@${AT}`,
    });
    const deleted = 'google.cloud.storage.object.v1.deleted';
    expect(triggers).toHaveLength(3);
    expect(triggers).toEqual(
      expect.arrayContaining([
        trigger(
          'recordauditlog',
          ['type', 'google.cloud.audit.log.v1.written'],
          ['serviceName', 'storage.googleapis.com'],
          ['methodName', 'storage.buckets.create'],
        ),
        trigger('recorddeletion', ['type', deleted], ['bucket', 'demo-project-pipeline-raw']),
        trigger('recorddeletion', ['type', deleted], ['bucket', 'demo-project-pipeline-frames']),
      ]),
    );
    for (const name of ['recordauditlog', 'recorddeletion', 'recordtick']) {
      const account = `serviceAccount:pipeline-${name}@${AT}`;
      expect(bindings).toContain(`${SERVICES}${name} roles/run.invoker ${account}`);
      expect(bindings).toContain(`${TOPICS}events roles/pubsub.publisher ${account}`);
      expect(bindings).toContain(`b/demo-project-pipeline-state roles/storage.objectCreator ${account}`);
    }
    expect(ofKind('topics')).toContain(`${TOPICS}ticks`);
    const subscriptions = Object.entries(resources).filter(([name]) =>
      /\/subscriptions\/eventarc-.*-record/.test(name),
    );
    expect(subscriptions).toHaveLength(3);
    for (const [, one] of subscriptions) {
      expect(one).toMatchObject({
        ackDeadlineSeconds: 120,
        messageRetentionDuration: '604800s',
        deadLetterPolicy: { deadLetterTopic: `${TOPICS}dead-letters`, maxDeliveryAttempts: 20 },
      });
    }
    expect(ofKind('jobs').map((name) => name.split('/').at(-1))).toEqual([
      'pipeline-maintain',
      'pipeline-ticks',
    ]);
  });

  it('without the options stops the functions; a second run changes nothing', async () => {
    succeeded(await site.run(PLACE));
    expect(ofKind('functions')).toHaveLength(4);
    expect(ofKind('triggers')).toHaveLength(1);
    const again = succeeded(await site.run(PLACE));
    expect(again.mutations).toEqual([]);
  }, 600_000);

  it('--destroy leaves nothing of them', async () => {
    succeeded(await site.run([...PLACE, '--destroy', '--yes', '--with-data']));
    for (const kind of ['functions', 'triggers', 'topics', 'subscriptions', 'serviceAccounts', 'jobs']) {
      expect(ofKind(kind), kind).toEqual([]);
    }
  });
});
