import type { App } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { type AuditLog, type EventSource, eventSources, eventTypeOf } from '../shared/app/trigger.ts';
import type { CloudEvents, LocalCloud } from './cloud.ts';
import { eventTopicOf, subscriptionsOf } from './function-subscriptions.ts';
import type { ObjectResource } from './gcs/records.ts';
import { jsonRecord } from './json-record.ts';
import { printable } from './terminal-text.ts';
import { uploadFile } from './upload.ts';
import { gcloudAt, type Work, type WorkOptions } from './work.ts';

export interface AppWorkOptions extends WorkOptions {
  app: App;
  /** Key of the bucket that files are uploaded to; undefined if the app has none that fires a function. */
  bucket: string | undefined;
}

/** Keys of the buckets that fire a function. */
export function sourcesOf({ functions }: App): string[] {
  const keys = functions.flatMap(({ trigger }) =>
    trigger.kind === 'objectFinalized' ? [trigger.bucket] : [],
  );
  return [...new Set(keys)];
}

/** Works for any app: prints its functions' outcomes as they log them. */
export class AppWork implements Work {
  readonly events: CloudEvents;
  readonly #ended = new Map<string, boolean>();
  #wake: () => void = () => {};

  readonly #options: AppWorkOptions;

  constructor(options: AppWorkOptions) {
    this.#options = options;
    const sources = new Set(sourcesOf(options.app));
    this.events = {
      onFinalized: ({ bucket, name }) => {
        // records and files of tables are no news
        if (sources.has(bucket)) this.#print(`gs://${bucket}/${name}`, 'stored');
      },
      onAttempt: (name, { result, body }) => {
        if (typeof result === 'number' && result >= 200 && result < 300) this.#end(name, body, true);
      },
      onDeadLetter: ({ subscription, message, attempts }) => {
        const name = this.#functionOf(subscription);
        this.#print(name, `given up after ${attempts} attempts`);
        this.#end(name, Buffer.from(message.data, 'base64'), false);
      },
      onFunctionLine: (name, line) => this.#logged(name, line),
      onFunctionCrash: (name, how) => this.#print(name, `its process ended (${how}); restarting it`),
    };
  }

  async run(cloud: LocalCloud, files: readonly string[]): Promise<boolean> {
    const { app, bucket = '' } = this.#options;
    let isGood = true;
    for (const file of files) {
      const { name, generation } = await uploadFile(file, { apiEndpoint: cloud.endpoints.gcs, bucket });
      for (const { name: functionName, trigger } of app.functions) {
        if (trigger.kind !== 'objectFinalized' || trigger.bucket !== bucket) continue;
        isGood = (await this.#settled(keyOf(functionName, { bucket, name, generation }))) && isGood;
      }
    }
    return isGood;
  }

  next({ endpoints }: LocalCloud): string[] {
    const lines = this.#options.app.functions.flatMap((one) => howToFire(one, endpoints));
    return ['It keeps running. To trigger its functions, for example:', ...new Set(lines)];
  }

  /** True once the function has processed the upload, false if it was given up. */
  async #settled(key: string): Promise<boolean> {
    for (;;) {
      const known = this.#ended.get(key);
      if (known !== undefined) return known;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends the wait for an upload; other deliveries have other bodies. */
  #end(functionName: string, body: Buffer, isGood: boolean): void {
    const { bucket, name, generation } = jsonRecord(body.toString());
    if (typeof bucket !== 'string' || typeof name !== 'string') return;
    this.#ended.set(keyOf(functionName, { bucket, name, generation: String(generation) }), isGood);
    this.#wake();
  }

  #functionOf(subscription: string): string {
    const { functions } = this.#options.app;
    const isOf = (one: FunctionDefinition): boolean =>
      subscriptionsOf(one).some(({ name }) => subscription.endsWith(`/${name}`) || subscription === name);
    return functions.find(isOf)?.name ?? subscription;
  }

  #logged(name: string, line: string): void {
    const { message, outcome, code, reason } = jsonRecord(line);
    const why = typeof code === 'string' ? `: ${code}: ${String(reason)}` : '';
    // dead letters are printed separately, from the inspector's line
    if (outcome === 'dead-letter') return;
    if (typeof outcome === 'string') this.#print(name, `${outcome}: ${String(message)}${why}`);
    else if (message === 'attempt failed') this.#print(name, `attempt failed${why}`);
  }

  #print(who: string, what: string): void {
    this.#options.print(`${printable(who)}  ${printable(what.slice(0, 500))}`);
  }
}

/** Commands that fire the function; none if it handles only internal messages. */
export function howToFire(definition: FunctionDefinition, endpoints: LocalCloud['endpoints']): string[] {
  const { name, trigger } = definition;
  const pubsub = gcloudAt('PUBSUB', endpoints.pubsub);
  switch (trigger.kind) {
    case 'messagePublished':
      return trigger.topic.startsWith('dead-letters')
        ? []
        : [`  ${pubsub}gcloud pubsub topics publish ${trigger.topic} --message '{"hello":"world"}'`];
    case 'http':
      return [`  curl ${endpoints.functions[name]}`];
    case 'schedule':
      return [`  ${pubsub}gcloud pubsub topics publish ${trigger.topic} --message '{}'`];
    default:
      return eventSources(trigger).map((source) => howToCause(source, definition, endpoints));
  }
}

function howToCause(
  source: EventSource,
  definition: FunctionDefinition,
  endpoints: LocalCloud['endpoints'],
): string {
  const storage = gcloudAt('STORAGE', endpoints.gcs);
  const pubsub = gcloudAt('PUBSUB', endpoints.pubsub);
  switch (source.kind) {
    case 'objectFinalized':
      return `  ${storage}gcloud storage cp FILE gs://${source.bucket}/`;
    case 'objectDeleted':
      return `  ${storage}gcloud storage rm gs://${source.bucket}/NAME`;
    case 'auditLog':
      return `  ${pubsub}gcloud pubsub topics publish ${eventTopicOf(definition)} ${auditLogFlags(source)}`;
  }
}

/** A Cloud Audit Logs entry as Eventarc delivers it: https://cloud.google.com/eventarc/docs/cloudevents-audit-logs */
function auditLogFlags(trigger: AuditLog): string {
  const { service, method } = trigger;
  const attributes = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-type': eventTypeOf(trigger),
    'ce-source': '//cloudaudit.googleapis.com/projects/local/logs/activity',
    'ce-servicename': service,
    'ce-methodname': method,
  };
  const entry = {
    protoPayload: { serviceName: service, methodName: method, resourceName: 'projects/local' },
  };
  const list = Object.entries(attributes).map((pair) => pair.join('='));
  return `--attribute=${list.join(',')} --message='${JSON.stringify(entry)}'`;
}

const keyOf = (
  functionName: string,
  { bucket, name, generation }: Pick<ObjectResource, 'bucket' | 'name' | 'generation'>,
): string => JSON.stringify([functionName, bucket, name, String(generation)]);
