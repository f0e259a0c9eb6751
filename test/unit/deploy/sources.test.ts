import { beforeEach, expect, test } from 'vitest';
import { UsageError } from '../../../cli/common/options.ts';
import { auditNotes } from '../../../deploy/audit-notes.ts';
import { Cloud } from '../../../deploy/cloud.ts';
import type { Context } from '../../../deploy/context.ts';
import { deployAll, dryRun, verifyAll } from '../../../deploy/deploy.ts';
import { destroyAll } from '../../../deploy/destroy.ts';
import { Names } from '../../../deploy/names.ts';
import { appOfRun } from '../../../deploy/optional.ts';
import { helpFor, parseOptions } from '../../../deploy/options.ts';
import { core } from '../../../functions/app.ts';
import { RecordedGcloud } from '../../helpers/recorded-gcloud.ts';

const SOURCE = { files: 3, bytes: 1_000, hash: '0123456789abcdef', commit: 'c0ffee' };
const BUCKETS_CREATED = 'storage.googleapis.com/storage.buckets.create';
const ALL = [
  ...['--audit-logs', `${BUCKETS_CREATED},iam.googleapis.com/google.iam.admin.v1.CreateServiceAccountKey`],
  ...['--object-deletions', 'raw,frames', '--ticks', '0 * * * *'],
];

let gcloud: RecordedGcloud;
let lines: string[];
const say = (line: string): void => void lines.push(line);

beforeEach(() => {
  gcloud = new RecordedGcloud();
});

async function run(args: string[] = []): Promise<Context> {
  const options = parseOptions(['--project', 'demo-project', '--region', 'europe-west1', ...args], {}, core);
  const names = new Names({ ...options, projectNumber: '12345' });
  lines = [];
  gcloud.changes.length = 0;
  const cloud = new Cloud(gcloud, names.place);
  const app = appOfRun(core, options);
  return { app, options, names, cloud, source: SOURCE, settings: {} };
}

const deploy = async (...args: string[]) => deployAll(await run(args), gcloud, say);
const keysOf = (kind: string) =>
  [...gcloud.things.keys()]
    .filter((key) => key.startsWith(`${kind} `))
    .map((key) => key.slice(kind.length + 1));

test('all options: functions, triggers, job, topic, roles; again changes nothing', async () => {
  await deploy();
  const before = new Set(gcloud.things.keys());
  await deploy(...ALL);
  const added = [...gcloud.things.keys()].filter((key) => !before.has(key));
  const count = (kind: string) => added.filter((key) => key.startsWith(`${kind} `)).length;
  expect(keysOf('function').slice(4).sort()).toEqual([
    'pipeline-recordauditlog',
    'pipeline-recorddeletion',
    'pipeline-recordtick',
  ]);
  expect([count('trigger'), count('account'), count('job'), count('bucket')]).toEqual([4, 3, 1, 0]);
  expect(added.filter((key) => key.startsWith('topic '))).toEqual([
    'topic pipeline-ticks',
    'topic pipeline-replay-recordauditlog',
    'topic pipeline-replay-recorddeletion',
    'topic pipeline-replay-recordtick',
  ]);
  expect(gcloud.things.get('job pipeline-ticks')).toMatchObject({
    schedule: '0 * * * *',
    pubsubTarget: { topicName: 'projects/demo-project/topics/pipeline-ticks' },
  });
  expect(await deploy(...ALL)).toBe(0);
  await verifyAll(await run(ALL), say);
  expect(lines).toEqual(['everything matches the desired state']);
});

test('a trigger for each source delivers to the one function, with dead letters and a week of retention', async () => {
  await deploy('--object-deletions', 'raw,frames', '--audit-logs', BUCKETS_CREATED);
  const account = (name: string) => `${name}@demo-project.iam.gserviceaccount.com`;
  const found = gcloud
    .all('trigger')
    .filter(({ destination }) => destination !== undefined)
    .map(({ eventFilters, serviceAccount, destination }) => ({ eventFilters, serviceAccount, destination }));
  const deleted = (bucket: string) => ({
    eventFilters: [
      { attribute: 'type', value: 'google.cloud.storage.object.v1.deleted' },
      { attribute: 'bucket', value: bucket },
    ],
    serviceAccount: account('pipeline-recorddeletion'),
    destination: { cloudRun: { service: 'pipeline-recorddeletion', region: 'europe-west1' } },
  });
  expect(found).toHaveLength(3);
  expect(found).toEqual(
    expect.arrayContaining([
      deleted('demo-project-pipeline-raw'),
      deleted('demo-project-pipeline-frames'),
      {
        eventFilters: [
          { attribute: 'type', value: 'google.cloud.audit.log.v1.written' },
          { attribute: 'serviceName', value: 'storage.googleapis.com' },
          { attribute: 'methodName', value: 'storage.buckets.create' },
        ],
        serviceAccount: account('pipeline-recordauditlog'),
        destination: { cloudRun: { service: 'pipeline-recordauditlog', region: 'europe-west1' } },
      },
    ]),
  );
  const subscriptions = gcloud
    .all('subscription')
    .filter(({ name }) => /eventarc-r-pipeline-record/.test(String(name)));
  expect(subscriptions).toHaveLength(3);
  for (const one of subscriptions) {
    expect(one).toMatchObject({
      ackDeadlineSeconds: 120,
      messageRetentionDuration: '604800s',
      deadLetterPolicy: {
        deadLetterTopic: 'projects/demo-project/topics/pipeline-dead-letters',
        maxDeliveryAttempts: 20,
      },
    });
  }
});

test('the recorders may publish events and nothing else of the table', async () => {
  await deploy(...ALL);
  const held = [...gcloud.policies].flatMap(([on, bindings]) =>
    bindings.flatMap(({ role, members }) =>
      members.filter((one) => one.includes('recordauditlog')).map(() => `${role} ${on.split(' ').at(-1)}`),
    ),
  );
  expect(held.sort()).toEqual([
    'roles/eventarc.eventReceiver demo-project',
    'roles/pubsub.publisher pipeline-dead-letters',
    'roles/pubsub.publisher pipeline-events',
    'roles/run.invoker pipeline-recordauditlog',
    'roles/storage.objectCreator gs://demo-project-pipeline-state',
    'roles/storage.objectViewer gs://demo-project-pipeline-state',
  ]);
});

test('another list replaces triggers; a change by somebody else is reverted; a dropped option stops its function', async () => {
  await deploy(...ALL);
  const [first] = keysOf('trigger').filter((name) => name.startsWith('pipeline-recorddeletion-'));
  await deploy('--object-deletions', 'frames', '--ticks', '*/5 * * * *');
  expect(gcloud.all('trigger').filter(({ destination }) => destination !== undefined)).toHaveLength(1);
  expect(gcloud.things.get('job pipeline-ticks')).toMatchObject({ schedule: '*/5 * * * *' });
  expect(keysOf('function')).not.toContain('pipeline-recordauditlog');
  expect(gcloud.changes).toContain(`eventarc triggers delete ${first}`);

  const [left] = keysOf('trigger').filter((name) => name.startsWith('pipeline-recorddeletion-'));
  gcloud.things.get(`trigger ${left}`)!['serviceAccount'] = 'somebody@example.com';
  await expect(
    verifyAll(await run(['--object-deletions', 'frames', '--ticks', '*/5 * * * *']), say),
  ).rejects.toThrow(/^2 /);
  await deploy('--object-deletions', 'frames', '--ticks', '*/5 * * * *');
  expect(gcloud.things.get(`trigger ${left}`)).toMatchObject({
    serviceAccount: 'pipeline-recorddeletion@demo-project.iam.gserviceaccount.com',
  });

  await deploy();
  expect(keysOf('function')).toHaveLength(4);
  expect([keysOf('job'), keysOf('trigger')]).toEqual([['pipeline-maintain'], ['pipeline-processvideo-1']]);
  expect(await deploy()).toBe(0);
});

test('a trigger that another deployment of a longer name has is left alone', async () => {
  await deploy(...ALL);
  const foreign = { name: 'projects/demo-project/locations/r/triggers/pipeline-2-recorddeletion-12345678' };
  gcloud.things.set('trigger pipeline-2-recorddeletion-12345678', foreign);
  expect(await deploy(...ALL)).toBe(0);
  await deploy();
  expect(keysOf('trigger')).toContain('pipeline-2-recorddeletion-12345678');
});

test('--destroy takes all of it, whether or not the options are given', async () => {
  await deploy(...ALL);
  await destroyAll(await run(['--destroy', '--yes', '--with-data']), gcloud, say);
  for (const kind of ['function', 'trigger', 'topic', 'subscription', 'account', 'job', 'bucket']) {
    expect(keysOf(kind), kind).toEqual([]);
  }
});

test('a dry run prints every command, and the script finds subscriptions that do not exist yet', async () => {
  await dryRun(await run(ALL), say);
  const script = lines.join('\n');
  expect(gcloud.changes).toEqual([]);
  expect(script).toMatch(
    /gcloud eventarc triggers create pipeline-recorddeletion-[0-9a-f]{8} --project=demo-project --location=europe-west1 --destination-run-service=pipeline-recorddeletion --destination-run-region=europe-west1 --event-filters=type=google.cloud.storage.object.v1.deleted,bucket=demo-project-pipeline-raw --service-account=/,
  );
  expect(script).toMatch(
    /\$\(gcloud eventarc triggers describe pipeline-recorddeletion-[0-9a-f]{8} --project=demo-project --location=europe-west1 --format='value\(transport.pubsub.subscription\)'\)/,
  );
});

test('a service without Data Access audit logs gets a note that names its methods', async () => {
  const args = ['--audit-logs', `${BUCKETS_CREATED},storage.googleapis.com/storage.objects.get`];
  expect(await auditNotes(await run(args))).toEqual([
    expect.stringMatching(
      /^note: demo-project has no Data Access audit logs for storage.googleapis.com: if storage.buckets.create, storage.objects.get only read or write data, nothing is logged/,
    ),
  ]);
  gcloud.audited.push('storage.googleapis.com');
  expect(await auditNotes(await run(args))).toEqual([]);
  gcloud.audited.splice(0, 1, 'allServices');
  expect(await auditNotes(await run(args))).toEqual([]);
  expect(await auditNotes(await run())).toEqual([]);
});

test.each([
  [
    ['--audit-logs', 'pubsub.googleapis.com/google.pubsub.v1.Publisher.Publish'],
    /each entry would cause the next/,
  ],
  [['--object-deletions', 'lake'], /must not name lake/],
  [['--ticks', 'hourly'], /--ticks must be Unix cron/],
])('%j is wrong use, before anything is read', (args, message) => {
  const parse = () =>
    parseOptions(['--project', 'demo-project', '--region', 'europe-west1', ...args], {}, core);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(message);
});

test('--help lists the options of the app', () => {
  expect(helpFor(core)).toMatch(/Functions that run only on request:\n {2}--[\s\S]*\n {2}--audit-logs LIST/);
});

test('an option without a value that is dropped stops its function, too; --only deploys it without the option', async () => {
  gcloud.things.set('secret pipeline-RECEIVE_SOURCES', {
    name: 'projects/12345/secrets/pipeline-RECEIVE_SOURCES',
  });
  await deploy('--receive');
  expect(keysOf('function')).toContain('pipeline-receiveevent');
  await deploy();
  expect(keysOf('function')).not.toContain('pipeline-receiveevent');
  expect(await deploy()).toBe(0);
  await deploy('--only', 'receiveEvent');
  expect(keysOf('function')).toContain('pipeline-receiveevent');
});
