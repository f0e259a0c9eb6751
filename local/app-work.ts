import type { App } from '../shared/app/define-app.ts';
import type { CloudEvents, LocalCloud } from './cloud.ts';
import type { Delivery } from './eventarc/delivery-store.ts';
import type { ObjectResource } from './gcs/records.ts';
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

/** Any app: its functions' outcomes are told as they log them. */
export class AppWork implements Work {
  readonly events: CloudEvents;
  private readonly ended = new Map<string, boolean>();
  private wake: () => void = () => {};

  constructor(private readonly options: AppWorkOptions) {
    this.events = {
      onFinalized: ({ bucket, name }) => this.tell(`gs://${bucket}/${name}`, 'stored'),
      onAttempt: (delivery, result) => {
        if (typeof result === 'number' && result >= 200 && result < 300) this.end(delivery, true);
      },
      onDeadLetter: (delivery) => {
        this.tell(delivery.function, `given up after ${delivery.attempts.length} attempts`);
        this.end(delivery, false);
      },
      onFunctionLine: (name, line) => this.logged(name, line),
      onFunctionCrash: (name, how) => this.tell(name, `its process ended (${how}) and is started again`),
    };
  }

  async run(cloud: LocalCloud, files: readonly string[]): Promise<boolean> {
    const { app, bucket = '' } = this.options;
    let isGood = true;
    for (const file of files) {
      const { name, generation } = await uploadFile(file, { apiEndpoint: cloud.endpoints.gcs, bucket });
      for (const { name: functionName, trigger } of app.functions) {
        if (trigger.kind !== 'objectFinalized' || trigger.bucket !== bucket) continue;
        isGood = (await this.settled(keyOf(functionName, { bucket, name, generation }))) && isGood;
      }
    }
    return isGood;
  }

  next({ endpoints }: LocalCloud): string[] {
    const storage = gcloudAt('STORAGE', endpoints.gcs);
    const pubsub = gcloudAt('PUBSUB', endpoints.pubsub);
    const lines = this.options.app.functions.flatMap(({ name, trigger }) => {
      switch (trigger.kind) {
        case 'objectFinalized':
          return [`  ${storage}gcloud storage cp FILE gs://${trigger.bucket}/`];
        case 'messagePublished':
          return trigger.topic.startsWith('dead-letters')
            ? []
            : [`  ${pubsub}gcloud pubsub topics publish ${trigger.topic} --message '{"hello":"world"}'`];
        case 'http':
          return [`  curl ${endpoints.functions[name]}`];
        default:
          return [];
      }
    });
    return ['It stays up. To fire its functions, for example:', ...new Set(lines)];
  }

  /** True once the function has taken the upload, false if it is given up. */
  private async settled(key: string): Promise<boolean> {
    for (;;) {
      const known = this.ended.get(key);
      if (known !== undefined) return known;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private end(delivery: Delivery, isGood: boolean): void {
    this.ended.set(keyOf(delivery.function, JSON.parse(delivery.body) as ObjectResource), isGood);
    this.wake();
  }

  private logged(name: string, line: string): void {
    const { message, outcome, code, reason } = parse(line);
    const why = typeof code === 'string' ? `: ${code}: ${String(reason)}` : '';
    // what the inspector says of a dead letter is told apart
    if (outcome === 'dead-letter') return;
    if (typeof outcome === 'string') this.tell(name, `${outcome}: ${String(message)}${why}`);
    else if (message === 'attempt failed') this.tell(name, `attempt failed${why}`);
  }

  private tell(who: string, what: string): void {
    this.options.print(`${printable(who)}  ${printable(what.slice(0, 500))}`);
  }
}

const keyOf = (
  functionName: string,
  { bucket, name, generation }: Pick<ObjectResource, 'bucket' | 'name' | 'generation'>,
): string => JSON.stringify([functionName, bucket, name, String(generation)]);

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
