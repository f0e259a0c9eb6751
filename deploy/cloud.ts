import type {
  Binding,
  Bucket,
  CloudFunction,
  Displayed,
  EventarcTrigger,
  Job,
  Metric,
  Named,
  Policy,
  Repository,
  Subscription,
  Topic,
} from './cloud-types.ts';
import { shortName } from './cloud-types.ts';
import { type Gcloud, GcloudError } from './gcloud.ts';
import type { Place } from './names.ts';

/** Newer versions of gcloud have `name`, as in `projects/1/services/run.googleapis.com`, and no `config`. */
interface Enabled {
  config?: Named;
  name?: string;
}

/** A resource with an IAM policy of its own. */
export type Guarded =
  | { kind: 'project' }
  | { kind: 'bucket' | 'topic' | 'subscription' | 'service' | 'secret' | 'key'; name: string };

/** What is read, and forgotten, together. `policies` are those of all resources. */
export const KINDS = [
  ...(['services', 'buckets', 'topics', 'subscriptions', 'snapshots', 'accounts', 'functions'] as const),
  ...([
    'triggers',
    'jobs',
    'secrets',
    'metrics',
    'dashboards',
    'alerts',
    'repositories',
    'policies',
  ] as const),
] as const;
export type Kind = (typeof KINDS)[number];

export const guardedKey = (guarded: Guarded): string =>
  guarded.kind === 'project' ? 'project' : `${guarded.kind} ${guarded.name}`;

/**
 * Deployed state, read through gcloud. Each list and policy is cached until `forget`; the lists of a disabled service are empty.
 */
export class Cloud {
  readonly #known = new Map<string, Promise<unknown>>();

  readonly #gcloud: Gcloud;
  readonly #place: Place;

  /** @param alertCommands gcloud's words for alert policies: newer versions need no `alpha` */
  constructor(
    gcloud: Gcloud,
    place: Place,
    readonly alertCommands: readonly string[] = ['alpha', 'monitoring', 'policies'],
  ) {
    this.#gcloud = gcloud;
    this.#place = place;
  }

  /** Drops what is cached of these kinds. Default: all but the enabled services. */
  forget(kinds?: readonly Kind[]): void {
    for (const key of this.#known.keys()) {
      const kind = key.split(' ', 1)[0] as Kind;
      if (kinds?.includes(kind) ?? kind !== 'services') this.#known.delete(key);
    }
  }

  async services(): Promise<ReadonlySet<string>> {
    const list = await this.#once('services', () =>
      this.#gcloud.read<Enabled[]>(...this.#in('services', 'list', '--enabled')),
    );
    return new Set(list.map(({ config, name = '' }) => config?.name ?? shortName(name)));
  }

  buckets = () => this.#list<Bucket>('buckets', 'storage', 'storage', 'buckets', 'list', '--raw');
  topics = () => this.#list<Topic>('topics', 'pubsub', 'pubsub', 'topics', 'list');
  subscriptions = () =>
    this.#list<Subscription>('subscriptions', 'pubsub', 'pubsub', 'subscriptions', 'list');
  snapshots = () => this.#list<{ snapshotId: string }>('snapshots', 'pubsub', 'pubsub', 'snapshots', 'list');
  accounts = () => this.#list<{ email: string }>('accounts', 'iam', 'iam', 'service-accounts', 'list');
  functions = () =>
    this.#list<CloudFunction>(
      'functions',
      'cloudfunctions',
      'functions',
      'list',
      '--v2',
      `--regions=${this.#place.region}`,
    );
  triggers = () =>
    this.#list<EventarcTrigger>(
      'triggers',
      'eventarc',
      'eventarc',
      'triggers',
      'list',
      `--location=${this.#place.region}`,
    );
  jobs = () =>
    this.#list<Job>(
      'jobs',
      'cloudscheduler',
      'scheduler',
      'jobs',
      'list',
      `--location=${this.#place.region}`,
    );
  secrets = () => this.#list<Named>('secrets', 'secretmanager', 'secrets', 'list');
  metrics = () => this.#list<Metric>('metrics', 'logging', 'logging', 'metrics', 'list');
  dashboards = () => this.#list<Displayed>('dashboards', 'monitoring', 'monitoring', 'dashboards', 'list');
  alerts = () => this.#list<Displayed>('alerts', 'monitoring', ...this.alertCommands, 'list');

  repositories = () =>
    this.#list<Repository>(
      'repositories',
      'artifactregistry',
      'artifacts',
      'repositories',
      'list',
      `--location=${this.#place.region}`,
    );

  /** Triggers in all regions: any of them may need Google's agents. */
  allTriggers = () =>
    this.#list<EventarcTrigger>('triggers', 'eventarc', 'eventarc', 'triggers', 'list', '--location=-');

  /** IAM bindings of a resource, which must exist. */
  async policy(guarded: Guarded): Promise<Binding[]> {
    return (await this.#wholePolicy(guarded)).bindings ?? [];
  }

  /** Services with Data Access audit logs in the project; `allServices` for all. */
  async auditedServices(): Promise<string[]> {
    const { auditConfigs = [] } = await this.projectPolicy();
    return auditConfigs.map(({ service }) => service);
  }

  /** With its audit configuration and etag. */
  projectPolicy(): Promise<Policy> {
    return this.#wholePolicy({ kind: 'project' });
  }

  #wholePolicy(guarded: Guarded): Promise<Policy> {
    const command = policyCommand(guarded, 'get-iam-policy', this.#place);
    return this.#once(`policies ${guardedKey(guarded)}`, () =>
      this.#gcloud.read<Policy>(...this.#in(...command)),
    );
  }

  async #list<T>(kind: Kind, service: string, ...command: string[]): Promise<T[]> {
    if (!(await this.services()).has(`${service}.googleapis.com`)) return [];
    return this.#once(`${kind} ${command.join(' ')}`, async () => {
      try {
        return await this.#gcloud.read<T[]>(...this.#in(...command));
      } catch (error) {
        // no URL matches, or the region has no resources of the service yet
        if (error instanceof GcloudError && /did not match|matched no objects/i.test(error.text)) return [];
        throw error;
      }
    });
  }

  #in(...command: string[]): string[] {
    return [...command, `--project=${this.#place.project}`];
  }

  #once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key) ?? read();
    this.#known.set(key, known);
    return known as Promise<T>;
  }
}

/** The gcloud command for a policy; `verb` is, for example, `add-iam-policy-binding`. */
export function policyCommand(guarded: Guarded, verb: string, place: Place): string[] {
  switch (guarded.kind) {
    case 'project':
      return ['projects', verb, place.project];
    case 'bucket':
      return ['storage', 'buckets', verb, `gs://${guarded.name}`];
    case 'topic':
      return ['pubsub', 'topics', verb, guarded.name];
    case 'subscription':
      return ['pubsub', 'subscriptions', verb, guarded.name];
    case 'secret':
      return ['secrets', verb, guarded.name];
    case 'key':
      return ['kms', 'keys', verb, guarded.name];
    case 'service':
      return ['run', 'services', verb, guarded.name, `--region=${place.region}`];
  }
}
