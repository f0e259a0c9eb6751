import { beforeEach, describe, expect, test } from 'vitest';
import { Cloud } from '../../../deploy/cloud.ts';
import type { Context } from '../../../deploy/context.ts';
import { deployAll, dryRun, verifyAll } from '../../../deploy/deploy.ts';
import { destroyAll } from '../../../deploy/destroy.ts';
import { GcloudError } from '../../../deploy/gcloud.ts';
import { Names } from '../../../deploy/names.ts';
import { parseOptions } from '../../../deploy/options.ts';
import { checkGcloud } from '../../../deploy/preflight.ts';
import { checkSecrets } from '../../../deploy/secrets.ts';
import { core } from '../../../functions/app.ts';
import { type App, defineApp } from '../../../shared/app/define-app.ts';
import { FULL } from '../../helpers/full-form.ts';
import { RecordedGcloud } from '../../helpers/recorded-gcloud.ts';

const SOURCE = { files: 3, bytes: 1_000, hash: '0123456789abcdef', commit: 'c0ffee' };

let gcloud: RecordedGcloud;
let lines: string[];
const say = (line: string): void => {
  lines.push(line);
};

function run(args: string[] = [], changes: Partial<Context> = {}): Context {
  const options = parseOptions(['--project', 'demo-project', '--region', 'europe-west1', ...args], {}, core);
  const names = new Names({ ...options, projectNumber: '12345' });
  lines = [];
  gcloud.changes.length = 0;
  const cloud = new Cloud(gcloud, names.place);
  return { app: core, options, names, cloud, source: SOURCE, settings: {}, ...changes };
}

const deploy = (args: string[] = [], changes: Partial<Context> = {}) =>
  deployAll(run(args, changes), gcloud, say);

/** Everything that exists, in a fixed order. */
function picture(): unknown {
  const held = [...gcloud.policies].flatMap(([on, bindings]) =>
    bindings.flatMap(({ role, members }) => members.map((member) => `${on} ${role} ${member}`)),
  );
  const things = Object.fromEntries(gcloud.things);
  return structuredClone({ things, held: held.sort(), services: [...gcloud.services].sort() });
}

/** Lets everything else that is ready run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  gcloud = new RecordedGcloud();
  lines = [];
});

test('an empty project becomes the whole pipeline; a second run changes nothing', async () => {
  expect(await deploy()).toBeGreaterThan(80);
  const counts = ['bucket', 'topic', 'subscription', 'account', 'function', 'job', 'dashboard', 'alert'].map(
    (kind) => [kind, gcloud.all(kind).length],
  );
  expect(Object.fromEntries(counts)).toEqual({
    bucket: 4,
    // events, maintenance, dead letters, unread ones, and a replay topic for each function but the inspector
    topic: 7,
    // one per trigger, one per replay topic, the raw copy of dead letters, and the unread ones
    subscription: 9,
    account: 5,
    function: 4,
    job: 1,
    dashboard: 1,
    alert: 5,
  });
  expect(await deploy()).toBe(0);
  expect(gcloud.changes).toEqual([]);
});

test('an uploaded video that fails for good is forwarded after ten deliveries', async () => {
  await deploy();
  expect(gcloud.things.get('subscription eventarc-r-pipeline-processvideo-1-sub-2')).toMatchObject({
    ackDeadlineSeconds: 600,
    messageRetentionDuration: '604800s',
    retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
    deadLetterPolicy: {
      deadLetterTopic: 'projects/demo-project/topics/pipeline-dead-letters',
      maxDeliveryAttempts: 10,
    },
  });
  expect(gcloud.policies.get('pubsub subscriptions eventarc-r-pipeline-processvideo-1-sub-2')).toEqual([
    {
      role: 'roles/pubsub.subscriber',
      members: ['serviceAccount:service-12345@gcp-sa-pubsub.iam.gserviceaccount.com'],
    },
  ]);
});

test('the inspector gives up to its own topic, which fires nothing and keeps messages for a month', async () => {
  await deploy();
  const subscription = gcloud.things.get('subscription pipeline-push-inspectdeadletter')!;
  const topic = 'projects/demo-project/topics/pipeline-dead-letters-unread';
  expect(subscription).toMatchObject({
    ackDeadlineSeconds: 180,
    messageRetentionDuration: '604800s',
    deadLetterPolicy: { deadLetterTopic: topic, maxDeliveryAttempts: 30 },
  });
  const unread = gcloud.things.get('subscription pipeline-dead-letters-unread')!;
  expect(unread).toMatchObject({ messageRetentionDuration: '2678400s' });
  expect(unread).not.toHaveProperty('deadLetterPolicy');
  expect(unread).not.toHaveProperty('pushConfig.pushEndpoint');
});

test('a topic fires its function through its own subscription, on the path that names the topic', async () => {
  await deploy();
  expect(gcloud.things.get('subscription pipeline-push-ingestevent')).toEqual({
    name: 'projects/demo-project/subscriptions/pipeline-push-ingestevent',
    topic: 'projects/demo-project/topics/pipeline-events',
    ackDeadlineSeconds: 120,
    messageRetentionDuration: '604800s',
    expirationPolicy: {},
    retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
    deadLetterPolicy: {
      deadLetterTopic: 'projects/demo-project/topics/pipeline-dead-letters',
      maxDeliveryAttempts: 20,
    },
    pushConfig: {
      pushEndpoint: 'https://pipeline-ingestevent-x.a.run.app/projects/demo-project/topics/pipeline-events',
      oidcToken: {
        serviceAccountEmail: 'pipeline-ingestevent@demo-project.iam.gserviceaccount.com',
        audience: 'https://pipeline-ingestevent-x.a.run.app',
      },
    },
  });
  expect(gcloud.things.get('function pipeline-ingestevent')).not.toHaveProperty('eventTrigger');
  expect(gcloud.things.has('trigger pipeline-ingestevent-1')).toBe(false);
  expect(gcloud.policies.get('run services pipeline-ingestevent')).toEqual([
    {
      role: 'roles/run.invoker',
      members: ['serviceAccount:pipeline-ingestevent@demo-project.iam.gserviceaccount.com'],
    },
  ]);
});

test('a subscription that was detached for an upgrade is attached again', async () => {
  await deploy();
  const name = 'subscription pipeline-push-ingestevent';
  const attached = gcloud.things.get(name)!;
  gcloud.things.set(name, { ...attached, pushConfig: {} });
  await deploy();
  expect(gcloud.things.get(name)).toEqual(attached);
  expect(await deploy()).toBe(0);
});

test('a replay goes only to its function, with its account', async () => {
  await deploy();
  expect(gcloud.things.get('subscription pipeline-replay-ingestevent')).toMatchObject({
    pushConfig: {
      pushEndpoint: 'https://pipeline-ingestevent-x.a.run.app/projects/demo-project/topics/pipeline-events',
      oidcToken: {
        serviceAccountEmail: 'pipeline-ingestevent@demo-project.iam.gserviceaccount.com',
        audience: 'https://pipeline-ingestevent-x.a.run.app',
      },
    },
    deadLetterPolicy: { maxDeliveryAttempts: 20 },
  });
});

test('no account has a role on the project that could be granted on a bucket, a topic or a service', async () => {
  await deploy();
  const held = gcloud.policies
    .get('project demo-project')!
    .flatMap(({ role, members }) =>
      members.map((member) => `${member.replace(/^serviceAccount:|@.*/g, '')} ${role.replace('roles/', '')}`),
    );
  expect(held.filter((one) => one.startsWith('pipeline-')).sort()).toEqual([
    'pipeline-build artifactregistry.writer',
    'pipeline-build logging.logWriter',
    'pipeline-build storage.objectViewer',
    'pipeline-processvideo aiplatform.user',
    'pipeline-processvideo eventarc.eventReceiver',
  ]);
});

describe('changes by somebody else are found by --verify, and repaired', () => {
  const subscription = 'subscription eventarc-r-pipeline-processvideo-1-sub-2';
  const changes: [name: string, change: () => void, told: RegExp, steps?: number][] = [
    [
      'a redeployment dropped the dead-letter policy',
      () => delete gcloud.things.get(subscription)!['deadLetterPolicy'],
      /no dead-letter policy/,
    ],
    [
      'a function may be called by anybody',
      () =>
        gcloud.policies
          .get('run services pipeline-ingestevent')!
          .push({ role: 'roles/run.invoker', members: ['allUsers'] }),
      /revoke roles\/run.invoker on service pipeline-ingestevent from allUsers: its definition does not make it public/,
    ],
    [
      'a function was given more than it needs',
      () =>
        gcloud.policies.get('project demo-project')!.push({
          role: 'roles/editor',
          members: ['serviceAccount:pipeline-processvideo@demo-project.iam.gserviceaccount.com'],
        }),
      /revoke roles\/editor on project/,
    ],
    [
      'all roles on the lake were taken away',
      () => gcloud.policies.delete('storage buckets gs://demo-project-pipeline-lake'),
      /grant roles\/storage.objectUser on bucket demo-project-pipeline-lake/,
      7,
    ],
    [
      'a bucket keeps what is deleted, and is paid for twice',
      () => {
        gcloud.things.get('bucket demo-project-pipeline-lake')!['softDeletePolicy'] = {
          retentionDurationSeconds: '604800',
        };
      },
      /soft delete is 7 days, not 0/,
    ],
    [
      'a lifecycle rule would delete the table',
      () => {
        gcloud.things.get('bucket demo-project-pipeline-lake')!['lifecycle'] = {
          rule: [{ action: { type: 'Delete' }, condition: { age: 30 } }],
        };
      },
      /its lifecycle differs/,
    ],
    [
      'the schedule was paused',
      () => {
        gcloud.things.get('job pipeline-maintain')!['state'] = 'PAUSED';
      },
      /it is paused/,
    ],
    [
      'an alert was deleted',
      () => gcloud.things.delete('alert pipeline: dead letters arrive'),
      /create alert pipeline: dead letters arrive/,
    ],
    [
      "a metric's filter was edited",
      () => {
        gcloud.things.get('metric pipeline_dlq_messages_total')!['filter'] = 'severity=ERROR';
      },
      /update metric pipeline_dlq_messages_total/,
    ],
    [
      'a metric has the type and the labels of an earlier version',
      () => {
        gcloud.things.get('metric pipeline_events_consumed_total')!['metricDescriptor'] = {
          ...{ metricKind: 'DELTA', valueType: 'INT64' },
          labels: [{ key: 'function' }, { key: 'status' }],
        };
      },
      /delete metric pipeline_events_consumed_total: its type or labels .* cannot be updated\n.*create metric/,
      2,
    ],
    [
      'a metric of an earlier version is left, which nothing is counted by any more',
      () => gcloud.things.set('metric pipeline_events_added', { name: 'pipeline_events_added' }),
      /delete metric pipeline_events_added/,
    ],
    [
      'a function was given more memory by hand',
      () => {
        const found = gcloud.things.get('function pipeline-processvideo')! as {
          serviceConfig: Record<string, unknown>;
        };
        found.serviceConfig['availableMemory'] = '4Gi';
      },
      /memory is 4Gi, not 1Gi/,
    ],
  ];

  test('a trigger was deleted: its function is recreated, because a deployment creates no other trigger', async () => {
    await deploy();
    const before = picture();
    gcloud.things.delete('trigger pipeline-processvideo-1');
    gcloud.things.delete(subscription);
    await expect(verifyAll(run(), say)).rejects.toThrow('from the desired state');
    expect(lines.join('\n')).toMatch(/delete function pipeline-processvideo: its trigger was deleted/);
    await deploy();
    expect(gcloud.changes.slice(0, 2)).toEqual([
      'functions delete pipeline-processvideo',
      'functions deploy pipeline-processvideo',
    ]);
    expect(picture()).toEqual(before);
    expect(await deploy()).toBe(0);
  });

  test.each(changes.filter((_, index) => FULL || index % 3 === 0))(
    '%s',
    async (_name, change, told, steps = 1) => {
      await deploy();
      const before = picture();
      change();
      await expect(verifyAll(run(), say)).rejects.toThrow(`${steps} differ`);
      expect(lines.join('\n')).toMatch(told);
      expect(gcloud.changes).toEqual([]);
      expect(await deploy()).toBe(steps);
      await verifyAll(run(), say);
      expect(lines).toEqual(['everything matches the desired state']);
      expect(picture()).toEqual(before);
    },
  );
});

test('stopped after every few changes and run again, it ends like a single run', async () => {
  await deploy();
  const whole = picture();
  gcloud = new RecordedGcloud();
  for (let runs = 1; ; runs++) {
    let left = 5;
    gcloud.before = (command) => {
      if (left-- <= 0) throw new GcloudError([command], 'the connection broke');
    };
    const done = await deploy().then(
      () => true,
      () => false,
    );
    if (done) break;
    expect(runs).toBeLessThan(100);
  }
  expect(picture()).toEqual(whole);
  gcloud.before = () => {};
  expect(await deploy()).toBe(0);
});

test('a new commit without new source deploys no function; new source deploys all', async () => {
  await deploy();
  expect(await deploy([], { source: { ...SOURCE, commit: 'decaf' } })).toBe(0);
  expect(await deploy([], { source: { ...SOURCE, hash: 'fedcba9876543210' } })).toBe(4);
  expect(gcloud.changes.map((one) => one.split(' ').slice(0, 2).join(' '))).toEqual(
    Array(4).fill('functions deploy'),
  );
});

test('an upgrade to narrower roles grants them first, and revokes the wide one when the functions are replaced', async () => {
  await deploy();
  const lake = 'storage buckets gs://demo-project-pipeline-lake';
  const member = 'serviceAccount:pipeline-ingestevent@demo-project.iam.gserviceaccount.com';
  const before = picture();
  const mine = { title: 'mine', expression: 'request.time < timestamp("2030-01-01T00:00:00Z")' };
  gcloud.policies.get(lake)!.push({ role: 'roles/storage.objectAdmin', members: [member], condition: mine });
  const withMine = picture();
  const all = gcloud.policies.get(lake)!;
  // as an earlier version granted it
  gcloud.policies.set(lake, [
    ...all.filter(({ members }) => !members.includes(member) || members.length > 1),
  ]);
  for (const one of gcloud.policies.get(lake)!) one.members = one.members.filter((each) => each !== member);
  gcloud.policies.get(lake)!.push({ role: 'roles/storage.objectUser', members: [member] });
  gcloud.policies.get(lake)!.push({ role: 'roles/storage.objectAdmin', members: [member], condition: mine });
  await deploy([], { source: { ...SOURCE, hash: 'fedcba9876543210' } });
  const order = gcloud.changes.map((one) => one.replace(/ gs:.*| pipeline-.*/, ''));
  expect(order.lastIndexOf('storage buckets add-iam-policy-binding')).toBeLessThan(
    order.indexOf('functions deploy'),
  );
  expect(order.indexOf('storage buckets remove-iam-policy-binding')).toBeGreaterThan(
    order.lastIndexOf('functions deploy'),
  );
  await deploy();
  // somebody else's condition is left alone
  expect((picture() as { held: string[] }).held).toEqual((withMine as { held: string[] }).held);
  expect(before).not.toEqual(withMine);
});

describe('the trigger of an upload', () => {
  const subscription = 'subscription eventarc-r-pipeline-processvideo-1-sub-2';
  const trigger = (): Record<string, unknown> =>
    gcloud.things.get('function pipeline-processvideo')!['eventTrigger'] as Record<string, unknown>;

  test('new source leaves it alone: messages that wait are kept', async () => {
    await deploy();
    gcloud.backlogs.set(subscription, new Set([1, 2]));
    await deploy([], { source: { ...SOURCE, hash: 'fedcba9876543210' } });
    expect(gcloud.backlogs.get(subscription)).toEqual(new Set([1, 2]));
    expect(trigger()).toMatchObject({ retryPolicy: 'RETRY_POLICY_RETRY' });
  });

  test('retries that were turned off are turned on again, without another trigger', async () => {
    await deploy();
    gcloud.backlogs.set(subscription, new Set([1]));
    trigger()['retryPolicy'] = 'RETRY_POLICY_DO_NOT_RETRY';
    await deploy();
    expect(trigger()['retryPolicy']).toBe('RETRY_POLICY_RETRY');
    expect(gcloud.backlogs.get(subscription)).toEqual(new Set([1]));
  });

  test('it is replaced if it fires on another bucket, or was never made', async () => {
    await deploy();
    const wanted = structuredClone(trigger());
    trigger()['eventFilters'] = [{ attribute: 'bucket', value: 'other' }];
    await deploy();
    expect(trigger()).toEqual(wanted);
    delete trigger()['trigger'];
    gcloud.things.get('function pipeline-processvideo')!['state'] = 'FAILED';
    await deploy();
    expect(trigger()).toEqual(wanted);
    expect(await deploy()).toBe(0);
  });
});

test('the first function of a project is deployed alone, the others in parallel', async () => {
  const running = new Set<string>();
  let most = 0;
  const seen: number[] = [];
  const change = gcloud.change.bind(gcloud);
  gcloud.change = async (command, ...rest) => {
    if (command[1] !== 'deploy') return change(command, ...rest);
    running.add(String(command[2]));
    seen.push(running.size);
    most = Math.max(most, running.size);
    await turns();
    running.delete(String(command[2]));
    return change(command, ...rest);
  };
  await deploy();
  expect(seen[0]).toBe(1);
  expect(seen[1]).toBe(1);
  expect(most).toBe(core.functions.length - 1);
  seen.length = 0;
  await deploy([], { source: { ...SOURCE, hash: 'fedcba9876543210' } });
  expect(seen).toEqual([1, 2, 3, 4]);
});

test('a deployment reads again only what its steps may have changed', async () => {
  const reads: string[] = [];
  const read = gcloud.read.bind(gcloud);
  gcloud.read = (...command) => {
    reads.push(command.slice(0, 3).join(' '));
    return read(...command);
  };
  await deploy();
  const timesOf = (words: string): number => reads.filter((one) => one.startsWith(words)).length;
  // at first, and after the parts that may have changed it: buckets, functions
  expect(timesOf('storage buckets list')).toBeLessThanOrEqual(4);
  expect(timesOf('functions list')).toBeLessThanOrEqual(4);
  expect(timesOf('logging metrics list')).toBe(1);
  expect(reads.length).toBeLessThan(80);
});

test('messages are stored in the regions of the option; without it, what is set stays', async () => {
  await deploy(['--storage-region', 'europe-west3', '--storage-region', 'europe-west1']);
  const regions = () =>
    gcloud.all('topic').map(({ messageStoragePolicy }) => {
      const { allowedPersistenceRegions } = messageStoragePolicy as { allowedPersistenceRegions: string[] };
      return allowedPersistenceRegions.join();
    });
  expect(new Set(regions())).toEqual(new Set(['europe-west1,europe-west3']));
  expect(await deploy(['--storage-region', 'europe-west1', '--storage-region', 'europe-west3'])).toBe(0);
  expect(await deploy()).toBe(0);
  expect(await deploy(['--storage-region', 'europe-west1'])).toBe(7);
  expect(new Set(regions())).toEqual(new Set(['europe-west1']));
  expect(() => run(['--storage-region', 'EU'])).toThrow(
    '--storage-region must be a region such as us-central1, got "EU"',
  );
});

test('old images are deleted, unless the repository has a policy of its own', async () => {
  await deploy();
  const [repository] = gcloud.repositories;
  expect(Object.keys(repository!['cleanupPolicies'] as object)).toEqual(['keep-newest', 'delete-old']);
  repository!['cleanupPolicies'] = { mine: {} };
  expect(await deploy()).toBe(0);
  // another version of Cloud Functions may store images elsewhere
  gcloud.repositories.length = 0;
  expect(await deploy()).toBe(0);
});

test('a newer gcloud lists services by another field', async () => {
  await deploy();
  const read = gcloud.read.bind(gcloud);
  gcloud.read = async <T>(...command: string[]): Promise<T> => {
    const found = await read<T>(...command);
    if (command[0] !== 'services') return found;
    const services = found as { config: { name: string } }[];
    return services.map(({ config }) => ({ name: `projects/12345/services/${config.name}` })) as T;
  };
  expect(await deploy()).toBe(0);
});

test.each(['42', 'projects/demo-project/notificationChannels/42', 'projects/12345/notificationChannels/42'])(
  'alerts are sent to the channel %s; a second run changes nothing',
  async (channel) => {
    await deploy(['--notify', channel]);
    const name = 'projects/demo-project/notificationChannels/42';
    expect(gcloud.all('alert').map((one) => one['notificationChannels'])).toEqual(Array(5).fill([name]));
    // Google may answer with the project's number
    for (const one of gcloud.all('alert'))
      one['notificationChannels'] = [name.replace('demo-project', '12345')];
    expect(await deploy(['--notify', channel])).toBe(0);
    expect(await deploy(['--notify', '43'])).toBe(5);
  },
);

test.each([
  ['528.0.0', ['alpha', 'monitoring', 'policies']],
  ['560.0.0', ['monitoring', 'policies']],
])('gcloud %s: alerts are changed with %j', async (version, words) => {
  const read = async <T>(): Promise<T> => ({ 'Google Cloud SDK': version, alpha: '1', beta: '1' }) as T;
  expect(await checkGcloud({ read })).toEqual(words);
  const context = run();
  const cloud = new Cloud(gcloud, context.names.place, words);
  await deployAll({ ...context, cloud }, gcloud, say);
  expect(gcloud.changes.filter((one) => one.startsWith(`${words.join(' ')} create`))).toHaveLength(5);
  expect(gcloud.all('alert')).toHaveLength(5);
  await destroyAll(
    { ...run(['--destroy', '--yes']), cloud: new Cloud(gcloud, context.names.place, words) },
    gcloud,
    say,
  );
  expect(gcloud.all('alert')).toEqual([]);
});

test('a gcloud without the commands that are needed: both ways to get them', async () => {
  const without = (version: string, ...has: string[]) => ({
    read: async <T>(): Promise<T> =>
      ({ 'Google Cloud SDK': version, ...Object.fromEntries(has.map((one) => [one, '1'])) }) as T,
  });
  await expect(checkGcloud(without('528.0.0', 'beta'))).rejects.toThrow(
    /no alpha commands: run "gcloud components install alpha"; if gcloud came from a package, update that instead/,
  );
  await expect(checkGcloud(without('560.0.0', 'beta'))).resolves.toBeDefined();
});

describe('Monitoring', () => {
  test('metrics, dashboards and alerts are changed one after another, also when they are deleted', async () => {
    let running = 0;
    const overlaps: string[] = [];
    const change = gcloud.change.bind(gcloud);
    gcloud.change = async (command, ...rest) => {
      if (!/^(logging|monitoring|alpha monitoring)/.test(command.slice(0, 2).join(' ')))
        return change(command, ...rest);
      if (running++ > 0) overlaps.push(command.slice(0, 4).join(' '));
      await turns();
      running--;
      return change(command, ...rest);
    };
    await deploy();
    await destroyAll(run(['--destroy', '--yes']), gcloud, say);
    expect(overlaps).toEqual([]);
  });

  test('an alert whose creation was answered late, and made again, is left once', async () => {
    const change = gcloud.change.bind(gcloud);
    let lost = 0;
    gcloud.change = async (command, ...rest) => {
      await change(command, ...rest);
      if (command[1] !== 'monitoring' || command[3] !== 'create' || lost++ > 0) return 'made';
      const [title, alert] = [...gcloud.things].find(([key]) => key.startsWith('alert '))!;
      gcloud.things.set(`${title} (again)`, { ...alert, name: `${alert['name']}-again` });
      return 'uncertain';
    };
    await deploy();
    const titles = gcloud.all('alert').map(({ displayName }) => displayName);
    expect(titles).toHaveLength(5);
    expect(new Set(titles).size).toBe(5);
    expect(lines.join('\n')).toContain('-- alerts, again: an answer was lost');
    gcloud.change = change;
    expect(await deploy()).toBe(0);
  });
});

test('settings with commas, semicolons and quotes reach the function unchanged', async () => {
  const settings = { MOMENT_PROMPT: `a "cat", two dogs; 'three' = many` };
  await deploy([], { settings });
  expect(gcloud.things.get('function pipeline-processvideo')).toMatchObject({
    serviceConfig: { environmentVariables: settings },
  });
  expect(await deploy([], { settings })).toBe(0);
  expect(await deploy()).toBe(1);
});

test('a function gets the settings that it declares, and the names of all buckets and topics', async () => {
  await deploy([], { settings: { MAX_MOMENTS: '2', LOG_LEVEL: 'debug', FLUSH_ROWS: '10' } });
  const environments = gcloud.all('function').map(({ name, serviceConfig }) => {
    const { environmentVariables } = serviceConfig as { environmentVariables: Record<string, string> };
    const places = Object.keys(environmentVariables).filter((one) => /_(BUCKET|TOPIC)$/.test(one));
    const { MAX_MOMENTS, LOG_LEVEL, FLUSH_ROWS } = environmentVariables;
    return [String(name).replace(/.*-/, ''), { MAX_MOMENTS, LOG_LEVEL, FLUSH_ROWS, places: places.length }];
  });
  expect(Object.fromEntries(environments)).toEqual({
    processvideo: { MAX_MOMENTS: '2', LOG_LEVEL: 'debug', FLUSH_ROWS: undefined, places: 7 },
    ingestevent: { MAX_MOMENTS: undefined, LOG_LEVEL: 'debug', FLUSH_ROWS: '10', places: 7 },
    maintaintable: { MAX_MOMENTS: undefined, LOG_LEVEL: 'debug', FLUSH_ROWS: '10', places: 7 },
    inspectdeadletter: { MAX_MOMENTS: undefined, LOG_LEVEL: 'debug', FLUSH_ROWS: '10', places: 7 },
  });
});

describe('secrets', () => {
  const withSecrets = (secrets: Record<string, string[]>): App =>
    defineApp({
      ...core,
      functions: core.functions.map((one) => ({ ...one, secrets: secrets[one.name] ?? [] })),
    });
  const app = withSecrets({ processVideo: ['MAIL_API_KEY', 'HOOK'], ingestEvent: ['HOOK'] });
  const add = (...names: string[]): void => {
    for (const name of names) gcloud.things.set(`secret ${name}`, { name: `projects/12345/secrets/${name}` });
  };
  const accessors = (secret: string): string[] =>
    (gcloud.policies.get(`secrets ${secret}`) ?? []).flatMap(({ role, members }) =>
      members.map((member) => `${role} ${member.replace(/^serviceAccount:|@.*/g, '')}`),
    );

  test('each is in the environment of the functions that name it, and only they may read it', async () => {
    add('pipeline-MAIL_API_KEY', 'pipeline-HOOK', 'pipeline-other', 'MAIL_API_KEY');
    // somebody else's secrets are left alone
    const others = [{ role: 'roles/owner', members: ['allUsers'] }];
    gcloud.policies.set('secrets MAIL_API_KEY', structuredClone(others));
    gcloud.policies.set('secrets pipeline-other', structuredClone(others));
    await deploy([], { app });
    expect(gcloud.policies.get('secrets MAIL_API_KEY')).toEqual(others);
    expect(gcloud.policies.get('secrets pipeline-other')).toEqual(others);
    const held = (name: string): unknown =>
      (gcloud.things.get(`function pipeline-${name}`)!['serviceConfig'] as Record<string, unknown>)[
        'secretEnvironmentVariables'
      ];
    const hook = { key: 'HOOK', projectId: '12345', secret: 'pipeline-HOOK', version: 'latest' };
    const mail = { ...hook, key: 'MAIL_API_KEY', secret: 'pipeline-MAIL_API_KEY' };
    expect(held('processvideo')).toEqual([mail, hook]);
    expect(held('ingestevent')).toEqual([hook]);
    expect(held('maintaintable')).toBeUndefined();
    const role = 'roles/secretmanager.secretAccessor';
    expect(accessors('pipeline-MAIL_API_KEY')).toEqual([`${role} pipeline-processvideo`]);
    expect(accessors('pipeline-HOOK')).toEqual([
      `${role} pipeline-processvideo`,
      `${role} pipeline-ingestevent`,
    ]);
    expect(gcloud.services).toContain('secretmanager.googleapis.com');
    expect(await deploy([], { app })).toBe(0);
  });

  test('one that is no longer named is removed from the function, with the role', async () => {
    add('pipeline-MAIL_API_KEY', 'pipeline-HOOK');
    await deploy([], { app });
    await deploy([], { app: withSecrets({ processVideo: ['HOOK'] }) });
    expect(accessors('pipeline-MAIL_API_KEY')).toEqual([]);
    expect(accessors('pipeline-HOOK')).toEqual(['roles/secretmanager.secretAccessor pipeline-processvideo']);
    expect(gcloud.things.get('function pipeline-ingestevent')).not.toHaveProperty(
      'serviceConfig.secretEnvironmentVariables',
    );
    expect(await deploy([], { app: withSecrets({ processVideo: ['HOOK'] }) })).toBe(0);
    // the last one of the app, too
    await deploy();
    expect(accessors('pipeline-HOOK')).toEqual([]);
    expect(await deploy()).toBe(0);
  });

  test('a missing one is reported before anything is changed, with the command that creates it', async () => {
    gcloud.services.add('secretmanager.googleapis.com');
    add('pipeline-HOOK');
    await expect(checkSecrets(run([], { app }))).rejects.toThrow(
      'secret pipeline-MAIL_API_KEY of processVideo does not exist: run "printf %s VALUE | gcloud secrets create pipeline-MAIL_API_KEY --data-file=- --project=demo-project"',
    );
    await expect(checkSecrets(run(['--only', 'ingestEvent'], { app }))).resolves.toBeUndefined();
    await expect(checkSecrets(run())).resolves.toBeUndefined();
  });

  test('an optional one is used if it exists and the deployer may list secrets', async () => {
    const optional = 'OTEL_EXPORTER_OTLP_HEADERS';
    await deploy();
    expect(gcloud.services).not.toContain('secretmanager.googleapis.com');
    gcloud.services.add('secretmanager.googleapis.com');
    add(`pipeline-${optional}`);
    gcloud.deny('secrets list');
    expect(await deploy()).toBe(0);
    gcloud.deny(undefined);
    // each function, and its role
    expect(await deploy()).toBe(8);
    expect(accessors(`pipeline-${optional}`)).toHaveLength(4);
    expect(gcloud.things.get('function pipeline-ingestevent')).toMatchObject({
      serviceConfig: { secretEnvironmentVariables: [{ key: optional, secret: `pipeline-${optional}` }] },
    });
    expect(await deploy()).toBe(0);
    // now they have it: that it cannot be listed is no reason to remove it
    gcloud.deny('secrets list');
    await expect(deploy()).rejects.toThrow('PERMISSION_DENIED');
  });

  test('--destroy revokes the roles and keeps the secrets', async () => {
    add('pipeline-MAIL_API_KEY', 'pipeline-HOOK');
    await deploy([], { app });
    await destroyAll(run(['--destroy', '--yes'], { app }), gcloud, say);
    expect(accessors('pipeline-HOOK')).toEqual([]);
    expect(gcloud.all('secret')).toHaveLength(2);
  });
});

test('a project with a low quota bounds the instances of every function', async () => {
  await deploy(['--max-instances', '3']);
  const most = gcloud
    .all('function')
    .map(({ name, serviceConfig }) => [
      String(name).replace(/.*-/, ''),
      (serviceConfig as { maxInstanceCount: number }).maxInstanceCount,
    ]);
  expect(Object.fromEntries(most)).toEqual({
    processvideo: 3,
    ingestevent: 3,
    maintaintable: 1,
    inspectdeadletter: 3,
  });
  expect(await deploy(['--max-instances', '3'])).toBe(0);
  expect(await deploy()).toBe(3);
});

test('--only deploys one function and leaves the others alone', async () => {
  await deploy(['--only', 'ingestEvent']);
  expect(gcloud.all('function')).toHaveLength(1);
  expect(gcloud.changes.filter((one) => /processvideo|^logging|^alpha|^scheduler/.test(one))).toEqual([]);
});

test('a dry run prints commands for bash and runs none', async () => {
  const changes = await dryRun(run(), say);
  expect(gcloud.changes).toEqual([]);
  const script = lines.join('\n');
  expect(lines.slice(0, 3)).toEqual([
    expect.stringMatching(/^# \d+ services not enabled yet, whose resources cannot be read/),
    "# not checked: whether the buckets' names are free",
    '# not checked: whether the project has a billing account',
  ]);
  expect(script).toMatch(/^# this script does not wait: /m);
  expect(script.match(/^gcloud /gm)).toHaveLength(changes);
  expect(script).toContain(
    `gcloud pubsub subscriptions update "$(gcloud eventarc triggers describe "$(gcloud functions describe pipeline-processvideo --v2 --project=demo-project --region=europe-west1 --format='value(eventTrigger.trigger)')" --format='value(transport.pubsub.subscription)')" --project=demo-project`,
  );
  expect(script).toMatch(
    /^printf %s '\{"rule":\[.*' >"\$FILES\/([0-9a-f]{8}\.json)"\ngcloud .* --lifecycle-file="\$FILES\/\1"$/m,
  );
});

describe('--destroy', () => {
  const down = (...args: string[]) => destroyAll(run(['--destroy', '--yes', ...args]), gcloud, say);

  test("leaves nothing of an unused pipeline except Google's own resources", async () => {
    await deploy();
    await down();
    expect([...gcloud.things.keys()]).toEqual([]);
    const held = gcloud.policies.get('project demo-project')!.filter(({ members }) => members.length > 0);
    expect(held.map(({ role }) => role).sort()).toEqual([
      'roles/cloudscheduler.serviceAgent',
      'roles/eventarc.serviceAgent',
      'roles/pubsub.serviceAgent',
    ]);
    await down();
    expect(lines).toEqual(['nothing to delete']);
  });

  test('keeps buckets that hold data, and says so; --with-data deletes them', async () => {
    await deploy();
    gcloud.objects.set('demo-project-pipeline-raw', ['a.mp4']);
    await down();
    expect([...gcloud.things.keys()]).toEqual(['bucket demo-project-pipeline-raw']);
    expect(lines.join('\n')).toContain('kept, since it holds data: gs://demo-project-pipeline-raw');
    // roles of deleted accounts would stay there forever
    const held = gcloud.policies.get('storage buckets gs://demo-project-pipeline-raw')!;
    expect(held.flatMap(({ members }) => members)).toEqual([]);
    await down('--with-data');
    expect([...gcloud.things.keys()]).toEqual([]);
  });

  test("leaves another prefix's deployment, and what both need, alone", async () => {
    await deploy(['--prefix', 'other']);
    const before = picture();
    await deploy();
    await down();
    expect(picture()).toEqual(before);
  });
});
