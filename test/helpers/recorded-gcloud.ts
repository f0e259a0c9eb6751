import { type Changed, type Gcloud, GcloudError } from '../../deploy/gcloud.ts';
import type { Arg } from '../../deploy/step.ts';

type Json = Record<string, unknown>;
type Flags = ReadonlyMap<string, string>;

/** Flags of mutating commands, as `gcloud … --help` of version 528 lists them. */
const FLAGS: Readonly<Record<string, string>> = {
  'services enable': '',
  'storage buckets create':
    'location default-storage-class uniform-bucket-level-access public-access-prevention soft-delete-duration lifecycle-file',
  'storage buckets update':
    'uniform-bucket-level-access public-access-prevention soft-delete-duration clear-soft-delete no-versioning lifecycle-file clear-lifecycle',
  'storage service-agent': '',
  'beta services identity create': 'service',
  'pubsub topics create': 'message-storage-policy-allowed-regions',
  'pubsub topics update': 'message-storage-policy-allowed-regions',
  'pubsub subscriptions create':
    'topic message-filter enable-message-ordering ack-deadline message-retention-duration expiration-period min-retry-delay max-retry-delay dead-letter-topic max-delivery-attempts push-endpoint push-auth-service-account push-auth-token-audience',
  'pubsub subscriptions update':
    'ack-deadline message-retention-duration expiration-period min-retry-delay max-retry-delay dead-letter-topic max-delivery-attempts clear-dead-letter-policy push-endpoint push-auth-service-account push-auth-token-audience',
  'pubsub subscriptions seek': 'snapshot',
  'pubsub snapshots create': 'subscription',
  'pubsub snapshots delete': '',
  'iam service-accounts create': 'display-name',
  'functions deploy':
    'region gen2 runtime source entry-point retry memory cpu concurrency min-instances max-instances timeout service-account trigger-service-account build-service-account ingress-settings no-allow-unauthenticated allow-unauthenticated ignore-file set-build-env-vars trigger-location trigger-topic trigger-http trigger-event-filters set-env-vars set-secrets clear-secrets update-labels',
  'eventarc triggers create':
    'location destination-run-service destination-run-region event-filters service-account',
  'eventarc triggers delete': 'location',
  'scheduler jobs create pubsub': 'location schedule time-zone topic message-body',
  'scheduler jobs update pubsub': 'location schedule time-zone topic message-body',
  'scheduler jobs resume': 'location',
  'logging metrics create': 'config-from-file',
  'logging metrics update': 'config-from-file',
  'monitoring dashboards create': 'config-from-file',
  'monitoring dashboards update': 'config-from-file',
  'monitoring policies create': 'policy-from-file',
  'monitoring policies update': 'policy-from-file',
  'monitoring policies delete': '',
  'alpha monitoring policies create': 'policy-from-file',
  'alpha monitoring policies update': 'policy-from-file',
  'projects add-iam-policy-binding': 'member role condition',
  'projects remove-iam-policy-binding': 'member role condition',
  'storage buckets add-iam-policy-binding': 'member role condition condition-from-file',
  'storage buckets remove-iam-policy-binding': 'member role condition condition-from-file',
  'pubsub topics add-iam-policy-binding': 'member role',
  'pubsub topics remove-iam-policy-binding': 'member role',
  'pubsub subscriptions add-iam-policy-binding': 'member role',
  'pubsub subscriptions remove-iam-policy-binding': 'member role',
  'secrets add-iam-policy-binding': 'member role',
  'secrets remove-iam-policy-binding': 'member role',
  'run services add-iam-policy-binding': 'region member role',
  'run services remove-iam-policy-binding': 'region member role',
  'artifacts repositories set-cleanup-policies': 'location policy no-dry-run',
  'scheduler jobs delete': 'location',
  'logging metrics delete': '',
  'monitoring dashboards delete': '',
  'alpha monitoring policies delete': '',
  'functions delete': 'gen2 region',
  'pubsub subscriptions delete': '',
  'pubsub topics delete': '',
  'iam service-accounts delete': '',
  'storage buckets delete': '',
  'storage rm': 'recursive',
};

const PROJECT = 'projects/demo-project';

/**
 * Stands in for gcloud if it is not installed: keeps the resources it is told to make, in the services' shapes,
 * and refuses commands and flags that gcloud does not have. The tests with the real gcloud show that it is not
 * too lenient.
 */
export class RecordedGcloud implements Gcloud {
  readonly changes: string[] = [];
  readonly services = new Set<string>(['cloudresourcemanager.googleapis.com']);
  /** By kind and name: `bucket demo-project-pipeline-raw`. */
  readonly things = new Map<string, Json>();
  readonly policies = new Map<
    string,
    { role: string; members: string[]; condition?: { expression: string; title: string } }[]
  >();
  /** Services with Data Access audit logs. */
  readonly audited: string[] = [];
  /** Repositories of images: Google's own. */
  readonly repositories: Json[] = [];
  /** Objects by bucket. */
  readonly objects = new Map<string, string[]>();
  /** Ids of messages that a subscription or a snapshot holds, by its key in `things`. */
  readonly backlogs = new Map<string, Set<number>>();
  private readonly published: { topic: string; id: number }[] = [];
  /** Called before each change; may throw. */
  before: (command: string) => void = () => {};

  async read<T>(...command: string[]): Promise<T> {
    return this.answer(command) as T;
  }

  async text(...command: string[]): Promise<string> {
    return command[0] === 'auth' ? 'a-token\n' : '';
  }

  async change(command: readonly Arg[]): Promise<Changed> {
    const words: string[] = [];
    const flags = new Map<string, string>();
    for (const arg of command) {
      if (typeof arg !== 'string') {
        if (!('content' in arg)) throw new Error(`a command was run with ${arg.shell} in it`);
        flags.set(arg.flag?.slice(2) ?? '', arg.content);
      } else if (arg.startsWith('--')) {
        const [, name = '', value = ''] = /^--([^=]+)=?(.*)$/s.exec(arg) ?? [];
        flags.set(name, value);
      } else words.push(arg);
    }
    const verb = Object.keys(FLAGS).find((known) => `${words.join(' ')} `.startsWith(`${known} `));
    if (verb === undefined) throw new Error(`gcloud has no ${words.join(' ')}`);
    const known = new Set([...FLAGS[verb]!.split(' '), 'project']);
    for (const name of flags.keys()) if (!known.has(name)) throw new Error(`${verb} has no --${name}`);
    this.before(verb);
    this.changes.push(`${verb} ${words.slice(verb.split(' ').length).join(' ')}`.trim());
    this.apply(verb, words.slice(verb.split(' ').length), flags);
    return 'made';
  }

  /** Publishes to every subscription of the topic, given by its short name. */
  publish(topic: string): number {
    const id = this.published.length + 1;
    this.published.push({ topic: `${PROJECT}/topics/${topic}`, id });
    for (const [key, thing] of this.things) {
      if (key.startsWith('subscription ') && thing['topic'] === `${PROJECT}/topics/${topic}`)
        this.hold(key, [id]);
    }
    return id;
  }

  /** Deploys them as earlier versions did, fired by Eventarc. */
  fireByEventarc(...names: readonly string[]): void {
    for (const name of names) {
      const key = `subscription ${name.replace('pipeline-', 'pipeline-push-')}`;
      const topic = this.things.get(key)?.['topic'];
      this.forget(key);
      const path = this.makeTrigger(name, topic);
      this.things.get(`function ${name}`)!['eventTrigger'] = {
        trigger: path,
        pubsubTopic: topic,
        retryPolicy: 'RETRY_POLICY_RETRY',
      };
    }
  }

  private hold(key: string, ids: Iterable<number>): void {
    this.backlogs.set(key, new Set([...(this.backlogs.get(key) ?? []), ...ids]));
  }

  /** All resources of a kind. */
  all(kind: string): Json[] {
    return [...this.things].filter(([key]) => key.startsWith(`${kind} `)).map(([, thing]) => thing);
  }

  /** Denies one list command to the deployer; undefined denies none. */
  deny(command: string | undefined): void {
    this.denied = command;
  }

  private denied: string | undefined;

  private answer(command: readonly string[]): unknown {
    const words = command.filter((word) => !word.startsWith('--'));
    const text = words.join(' ');
    const lists: Record<string, string> = {
      'storage buckets list': 'bucket',
      'pubsub topics list': 'topic',
      'pubsub subscriptions list': 'subscription',
      'iam service-accounts list': 'account',
      'functions list': 'function',
      'eventarc triggers list': 'trigger',
      'scheduler jobs list': 'job',
      'secrets list': 'secret',
      'logging metrics list': 'metric',
      'monitoring dashboards list': 'dashboard',
      'alpha monitoring policies list': 'alert',
      'monitoring policies list': 'alert',
    };
    if (text === 'pubsub snapshots list') {
      return this.all('snapshot').map(({ name }) => ({ snapshotId: name }));
    }
    if (text === 'artifacts repositories list') return this.repositories;
    if (text === this.denied) throw new GcloudError(command, `PERMISSION_DENIED: ${text}`);
    if (lists[text] !== undefined) return this.all(lists[text]);
    if (text === 'services list') return [...this.services].map((name) => ({ config: { name } }));
    if (text === 'version') return { 'Google Cloud SDK': '528.0.0', alpha: '1', beta: '1' };
    if (text.startsWith('projects describe')) return { projectNumber: '12345', lifecycleState: 'ACTIVE' };
    if (text.startsWith('billing projects describe')) return { billingEnabled: true };
    if (text.includes('get-iam-policy')) {
      const auditConfigs = words[0] === 'projects' ? this.audited.map((service) => ({ service })) : [];
      return {
        bindings: this.policies.get(policyKey(words)) ?? [],
        ...(auditConfigs.length > 0 && { auditConfigs }),
      };
    }
    if (text.startsWith('storage objects list')) {
      return this.objects.get(words[3]!.replace(/^gs:\/\/|\/\*\*$/g, '')) ?? [];
    }
    throw new GcloudError(command, `${text}: not found: 404`);
  }

  private apply(verb: string, names: readonly string[], flags: Flags): void {
    const [name = ''] = names;
    const flag = (one: string): string => flags.get(one) ?? '';
    if (verb === 'artifacts repositories set-cleanup-policies') {
      const policies = JSON.parse(flag('policy')) as { name: string }[];
      const found = this.repositories.find((one) => String(one['name']).endsWith(`/${name}`));
      if (found === undefined) throw new GcloudError([verb], 'NOT_FOUND: Requested entity was not found.');
      found['cleanupPolicies'] = Object.fromEntries(policies.map((one) => [one.name, one]));
    } else if (verb.endsWith('iam-policy-binding')) this.bind(verb, name, flags);
    else if (verb === 'services enable') for (const one of names) this.services.add(one);
    else if (verb.startsWith('storage buckets') && !verb.endsWith('delete'))
      this.bucket(name.slice(5), flags);
    else if (verb === 'pubsub topics create' || verb === 'pubsub topics update') {
      const regions = flags.get('message-storage-policy-allowed-regions')?.split(',');
      this.things.set(`topic ${name}`, {
        name: `${PROJECT}/topics/${name}`,
        ...(regions && { messageStoragePolicy: { allowedPersistenceRegions: regions } }),
      });
    } else if (verb === 'pubsub snapshots create') this.snapshot(name, flag('subscription'));
    else if (verb === 'pubsub subscriptions seek') this.seek(name, flag('snapshot'));
    else if (verb.startsWith('pubsub subscriptions') && !verb.endsWith('delete'))
      this.subscription(name, flags);
    else if (verb === 'iam service-accounts create') {
      const email = `${name}@demo-project.iam.gserviceaccount.com`;
      this.things.set(`account ${email}`, { email });
    } else if (verb === 'functions deploy') this.deployFunction(name, flags);
    else if (verb === 'eventarc triggers create') this.runTrigger(name, flags);
    else if (verb.startsWith('scheduler jobs') && verb.endsWith('pubsub')) {
      this.things.set(`job ${name}`, {
        name: `${PROJECT}/locations/r/jobs/${name}`,
        state: 'ENABLED',
        schedule: flag('schedule'),
        timeZone: flag('time-zone'),
        pubsubTarget: {
          topicName: flag('topic'),
          data: Buffer.from(flag('message-body')).toString('base64'),
        },
      });
    } else if (verb === 'scheduler jobs resume') this.things.get(`job ${name}`)!['state'] = 'ENABLED';
    else if (verb.startsWith('logging metrics') && !verb.endsWith('delete')) {
      const wanted = JSON.parse(flag('config-from-file'));
      const { valueType } = wanted.metricDescriptor;
      const before = this.things.get(`metric ${name}`)?.['metricDescriptor'] as
        | { valueType?: string }
        | undefined;
      if (before !== undefined && before.valueType !== valueType)
        throw new GcloudError([verb], 'INVALID_ARGUMENT: the value type cannot be updated');
      this.things.set(`metric ${name}`, { name, ...wanted });
    } else if (/(dashboards|policies) (create|update)/.test(verb)) this.watch(verb, names, flags);
    else if (/delete|storage rm/.test(verb)) this.remove(verb, names);
  }

  private bind(verb: string, name: string, flags: Flags): void {
    const [role = '', member = ''] = [flags.get('role'), flags.get('member')];
    const kind = verb.startsWith('projects') ? 'project' : verb.split(' ').slice(0, -1).join(' ');
    const key = `${kind} ${name}`;
    const bindings = this.policies.get(key) ?? [];
    this.policies.set(key, bindings);
    const file = flags.get('condition-from-file');
    const condition =
      file === undefined ? undefined : (JSON.parse(file) as { expression: string; title: string });
    const held = bindings.filter(
      (one) => one.role === role && one.condition?.expression === condition?.expression,
    );
    if (verb.includes('remove')) {
      for (const one of held) one.members = one.members.filter((each) => each !== member);
    } else if (held[0]) held[0].members.push(member);
    else bindings.push({ role, members: [member], ...(condition && { condition }) });
  }

  private bucket(name: string, flags: Flags): void {
    const days = Number((flags.get('soft-delete-duration') ?? '0').replace('d', ''));
    const lifecycle = flags.get('lifecycle-file');
    const old = this.things.get(`bucket ${name}`) ?? {
      name,
      location: (flags.get('location') ?? '').toUpperCase(),
    };
    const changed: Json = { ...old };
    if (flags.has('uniform-bucket-level-access')) {
      changed['iamConfiguration'] = {
        uniformBucketLevelAccess: { enabled: true },
        publicAccessPrevention: 'enforced',
      };
    }
    if (flags.has('soft-delete-duration') || flags.has('clear-soft-delete')) {
      changed['softDeletePolicy'] = { retentionDurationSeconds: String(days * 86_400) };
    }
    if (lifecycle !== undefined) changed['lifecycle'] = JSON.parse(lifecycle);
    if (flags.has('clear-lifecycle')) delete changed['lifecycle'];
    this.things.set(`bucket ${name}`, changed);
  }

  private snapshot(name: string, subscription: string): void {
    if (this.things.has(`snapshot ${name}`)) throw new GcloudError([name], 'Resource already exists');
    const of = this.things.get(`subscription ${subscription}`);
    if (of === undefined) throw new GcloudError([name], `Resource not found (resource=${subscription})`);
    this.things.set(`snapshot ${name}`, { name, topic: of['topic'], after: this.published.length });
    this.hold(`snapshot ${name}`, this.backlogs.get(`subscription ${subscription}`) ?? []);
  }

  private seek(name: string, snapshot: string): void {
    const [to, from] = [this.things.get(`subscription ${name}`), this.things.get(`snapshot ${snapshot}`)];
    if (to === undefined || from === undefined || to['topic'] !== from['topic']) {
      throw new GcloudError([name], 'Resource not found, or of another topic');
    }
    const later = this.published.filter(
      ({ topic, id }) => topic === from['topic'] && id > Number(from['after']),
    );
    this.backlogs.set(`subscription ${name}`, new Set(this.backlogs.get(`snapshot ${snapshot}`)));
    this.hold(
      `subscription ${name}`,
      later.map(({ id }) => id),
    );
  }

  private subscription(name: string, flags: Flags): void {
    const dead = flags.get('dead-letter-topic');
    const [topic, filter] = [flags.get('topic'), flags.get('message-filter')];
    if (topic !== undefined && this.things.has(`subscription ${name}`)) {
      throw new GcloudError([name], 'Resource already exists');
    }
    const changed: Json = {
      ...(this.things.get(`subscription ${name}`) ?? { name: `${PROJECT}/subscriptions/${name}` }),
      ...(topic !== undefined && { topic: `${PROJECT}/topics/${topic}` }),
      ...(filter !== undefined && { filter }),
      ...(flags.has('enable-message-ordering') && { enableMessageOrdering: true }),
      ackDeadlineSeconds: Number(flags.get('ack-deadline')),
      messageRetentionDuration: flags.get('message-retention-duration'),
      expirationPolicy: {},
    };
    if (flags.has('min-retry-delay'))
      changed['retryPolicy'] = { minimumBackoff: '10s', maximumBackoff: '600s' };
    if (dead !== undefined) {
      const maxDeliveryAttempts = Number(flags.get('max-delivery-attempts'));
      changed['deadLetterPolicy'] = { deadLetterTopic: `${PROJECT}/topics/${dead}`, maxDeliveryAttempts };
    }
    if (flags.has('clear-dead-letter-policy')) delete changed['deadLetterPolicy'];
    if (flags.has('push-endpoint')) {
      const serviceAccountEmail = flags.get('push-auth-service-account');
      const oidcToken = { serviceAccountEmail, audience: flags.get('push-auth-token-audience') };
      changed['pushConfig'] = { pushEndpoint: flags.get('push-endpoint'), oidcToken };
    }
    this.things.set(`subscription ${name}`, changed);
  }

  private deployFunction(name: string, flags: Flags): void {
    const flag = (one: string): string => flags.get(one) ?? '';
    const filters = list(flag('trigger-event-filters'));
    const old = this.things.get(`function ${name}`);
    const isNamed = flags.has('trigger-event-filters');
    if (!old && !isNamed && !flags.has('trigger-http'))
      throw new GcloudError([name], 'You must specify a trigger when deploying a new function.');
    const isHttp = flags.has('trigger-http') || (!isNamed && old?.['eventTrigger'] === undefined);
    if (old && (old['eventTrigger'] === undefined) !== isHttp) {
      throw new GcloudError([name], 'the trigger of a function cannot be of another kind');
    }
    const kept = isNamed ? undefined : (old?.['eventTrigger'] as Json | undefined);
    const bucketTopic = `${PROJECT}/topics/eventarc-r-${name}-1-3`;
    const path = isHttp ? '' : `${PROJECT}/locations/r/triggers/${name}-1`;
    this.things.set(`function ${name}`, {
      name: `${PROJECT}/locations/r/functions/${name}`,
      state: 'ACTIVE',
      labels: list(flag('update-labels')),
      buildConfig: {
        runtime: flag('runtime'),
        entryPoint: flag('entry-point'),
        serviceAccount: flag('build-service-account'),
        ...(flags.has('set-build-env-vars') && { environmentVariables: list(flag('set-build-env-vars')) }),
      },
      serviceConfig: {
        availableMemory: flag('memory'),
        availableCpu: flag('cpu'),
        timeoutSeconds: Number.parseInt(flag('timeout'), 10),
        maxInstanceCount: Number(flag('max-instances')),
        maxInstanceRequestConcurrency: Number(flag('concurrency')),
        serviceAccountEmail: flag('service-account'),
        ingressSettings: flag('ingress-settings') === 'internal-only' ? 'ALLOW_INTERNAL_ONLY' : 'ALLOW_ALL',
        environmentVariables: { ...list(flag('set-env-vars')), LOG_EXECUTION_ID: 'true' },
        ...this.secretsOf(name, flags),
        uri: `https://${name}-x.a.run.app`,
      },
      ...(kept && {
        eventTrigger: { ...kept, ...(flags.has('retry') && { retryPolicy: 'RETRY_POLICY_RETRY' }) },
      }),
      ...(isNamed && {
        eventTrigger: {
          trigger: path,
          triggerRegion: flag('trigger-location'),
          eventType: filters['type'],
          // the topic that carries the bucket's events
          pubsubTopic: bucketTopic,
          eventFilters: Object.entries(filters)
            .filter(([attribute]) => attribute !== 'type')
            .map(([attribute, value]) => ({ attribute, value })),
          retryPolicy: flags.has('retry') ? 'RETRY_POLICY_RETRY' : 'RETRY_POLICY_DO_NOT_RETRY',
          serviceAccountEmail: flag('trigger-service-account'),
        },
      }),
    });
    if (this.repositories.length === 0) {
      this.repositories.push({ name: `${PROJECT}/locations/r/repositories/gcf-artifacts` });
    }
    if (!isNamed) return;
    // a trigger that is named is made anew, and what its subscription held is lost
    this.forget(`subscription eventarc-r-${name}-1-sub-2`);
    this.makeTrigger(name, bucketTopic);
  }

  private makeTrigger(name: string, topic: unknown): string {
    const path = `${PROJECT}/locations/r/triggers/${name}-1`;
    const subscription = `${PROJECT}/subscriptions/eventarc-r-${name}-1-sub-2`;
    this.things.set(`trigger ${name}-1`, { name: path, transport: { pubsub: { subscription } } });
    if (!this.things.has(`subscription eventarc-r-${name}-1-sub-2`)) {
      this.things.set(`subscription eventarc-r-${name}-1-sub-2`, {
        name: subscription,
        topic,
        ackDeadlineSeconds: 10,
        messageRetentionDuration: '86400s',
        expirationPolicy: {},
      });
    }
    return path;
  }

  /** A trigger with a service as its destination. */
  private runTrigger(name: string, flags: Flags): void {
    const flag = (one: string): string => flags.get(one) ?? '';
    const subscription = `${PROJECT}/subscriptions/eventarc-r-${name}-sub-2`;
    if (this.things.has(`trigger ${name}`)) throw new GcloudError([name], 'Resource already exists');
    this.things.set(`trigger ${name}`, {
      name: `${PROJECT}/locations/r/triggers/${name}`,
      eventFilters: Object.entries(list(flag('event-filters'))).map(([attribute, value]) => ({
        attribute,
        value,
      })),
      serviceAccount: flag('service-account'),
      destination: {
        cloudRun: { service: flag('destination-run-service'), region: flag('destination-run-region') },
      },
      transport: { pubsub: { subscription } },
    });
    this.things.set(`subscription eventarc-r-${name}-sub-2`, {
      name: subscription,
      topic: `${PROJECT}/topics/eventarc-r-${name}`,
      ackDeadlineSeconds: 10,
      messageRetentionDuration: '86400s',
      expirationPolicy: {},
    });
  }

  /** A deployment without either flag leaves them as they are. */
  private secretsOf(name: string, flags: Flags): Json {
    const set = flags.get('set-secrets');
    if (set !== undefined) {
      // `/FOLDER:/FILE=SECRET:VERSION` mounts a file
      const files = set.split(',').filter((one) => one.startsWith('/'));
      const others = set.split(',').filter((one) => !one.startsWith('/'));
      const pairs = Object.entries(list(others.join(','))).map(
        ([key, value]) => [key, value.split(':')] as const,
      );
      const held = pairs.map(([key, [secret, version]]) => ({ key, projectId: '12345', secret, version }));
      const volumes = files.map((one) => {
        const [, mountPath, path, secret, version] = /^([^:]+):([^=]+)=([^:]+):(.+)$/.exec(one) ?? [];
        return { mountPath, projectId: '12345', secret, versions: [{ path, version }] };
      });
      return {
        ...(held.length > 0 && { secretEnvironmentVariables: held }),
        ...(volumes.length > 0 && { secretVolumes: volumes }),
      };
    }
    const { serviceConfig: before = {} } = (this.things.get(`function ${name}`) ?? {}) as {
      serviceConfig?: Json;
    };
    if (flags.has('clear-secrets')) return {};
    const { secretEnvironmentVariables, secretVolumes } = before;
    return {
      ...(secretEnvironmentVariables !== undefined && { secretEnvironmentVariables }),
      ...(secretVolumes !== undefined && { secretVolumes }),
    };
  }

  private watch(verb: string, [id]: readonly string[], flags: Flags): void {
    const kind = verb.includes('policies') ? 'alert' : 'dashboard';
    const body = JSON.parse(flags.get('policy-from-file') ?? flags.get('config-from-file') ?? '{}') as Json;
    const title = String(body['displayName']);
    for (const [key, { name }] of this.things) {
      if (id !== undefined && key.startsWith(`${kind} `) && String(name).endsWith(id))
        this.things.delete(key);
    }
    this.things.set(`${kind} ${title}`, { ...body, name: `${PROJECT}/${kind}s/${title}`, etag: 'e' });
  }

  private forget(key: string): void {
    this.things.delete(key);
    this.backlogs.delete(key);
    if (key.startsWith('snapshot ')) return;
    const name = key.slice(key.indexOf(' ') + 1);
    for (const on of this.policies.keys())
      if (on.endsWith(` ${name}`) || on.endsWith(`/${name}`)) this.policies.delete(on);
  }

  private remove(verb: string, names: readonly string[]): void {
    for (const name of names.map((one) => one.replace(/^gs:\/\//, ''))) {
      for (const [key, thing] of this.things) {
        const ids = [thing['name'], thing['email'], String(thing['name']).split('/').at(-1)];
        const isKind = key.startsWith(`${KINDS[verb]} `);
        if (isKind && ids.includes(name)) this.forget(key);
        if (verb === 'eventarc triggers delete' && key === `subscription eventarc-r-${name}-sub-2`) {
          this.forget(key);
        }
        // Eventarc's resources are deleted with the function
        if (
          verb === 'functions delete' &&
          /^(trigger|subscription eventarc-r-)/.test(key) &&
          key.includes(`${name}-1`)
        ) {
          this.forget(key);
        }
      }
    }
  }
}

const KINDS: Readonly<Record<string, string>> = {
  'scheduler jobs delete': 'job',
  'alpha monitoring policies delete': 'alert',
  'monitoring policies delete': 'alert',
  'monitoring dashboards delete': 'dashboard',
  'logging metrics delete': 'metric',
  'eventarc triggers delete': 'trigger',
  'functions delete': 'function',
  'pubsub subscriptions delete': 'subscription',
  'pubsub snapshots delete': 'snapshot',
  'pubsub topics delete': 'topic',
  'iam service-accounts delete': 'account',
  'storage buckets delete': 'bucket',
  'storage rm': 'bucket',
};

function policyKey(words: readonly string[]): string {
  const name = words.at(-1)!;
  if (words[0] === 'secrets') return `secrets ${name}`;
  return words[0] === 'projects' ? `project ${name}` : `${words.slice(0, 2).join(' ')} ${name}`;
}

/** Parses `A=1,B=2` or `^;^A=1;B=2`. */
function list(text: string): Record<string, string> {
  const [, mark = ',', pairs = ''] = /^(?:\^(.+?)\^)?(.*)$/s.exec(text) ?? [];
  return Object.fromEntries(
    pairs
      .split(mark)
      .filter((pair) => pair !== '')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}
