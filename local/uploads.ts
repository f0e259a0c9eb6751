import { counted } from '../shared/core/counted.ts';
import { BUCKETS, type CloudEvents } from './cloud.ts';
import type { ObjectResource } from './gcs/records.ts';
import { jsonRecord } from './json-record.ts';
import type { DeadLetter } from './pubsub/broker.ts';
import type { PushAttempt } from './pubsub/push.ts';

/** Result of an upload. */
export type Outcome =
  /** The manifest's name in the frames bucket. */
  { kind: 'manifest'; name: string } | { kind: 'dead-letter'; attempts: number; reason: string };

/** Called for each stage of the upload with this object name. */
export type OnStage = (name: string, text: string) => void;

/** Follows uploads through the cloud's events: reports each stage and each upload's result. */
export class UploadTracker {
  readonly #outcomes = new Map<string, Outcome>();
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();
  /** Last reported error of a failed attempt. */
  readonly #failures = new Map<string, string>();

  readonly #onStage: OnStage;
  readonly #onSettled: (name: string, outcome: Outcome) => void;

  constructor(onStage: OnStage, onSettled: (name: string, outcome: Outcome) => void = () => {}) {
    this.#onStage = onStage;
    this.#onSettled = onSettled;
  }

  /** To be passed to the cloud. */
  readonly events: CloudEvents = {
    onFinalized: (resource) => this.#finalized(resource),
    onAttempt: (_function, attempt) => this.#attempted(attempt),
    onDeadLetter: (letter) => this.#givenUp(letter),
    onFunctionLine: (_function, line) => this.#logged(line),
  };

  /** Resolves when the upload's manifest is written or its event is given up. */
  settled(name: string, generation: string): Promise<Outcome> {
    const key = keyOf(name, generation);
    const known = this.#outcomes.get(key);
    return known ? Promise.resolve(known) : new Promise((resolve) => this.#waiting.set(key, resolve));
  }

  #finalized(resource: ObjectResource): void {
    if (resource.bucket === BUCKETS.raw) this.#onStage(resource.name, `stored in gs://${BUCKETS.raw}`);
    if (resource.bucket !== BUCKETS.frames) return;
    const metadata = (resource['metadata'] ?? {}) as Record<string, string>;
    const [name, generation] = [metadata['source-name'], metadata['source-generation']];
    if (!name || !generation) return;
    const file = resource.name.slice(resource.name.lastIndexOf('/') + 1);
    this.#onStage(name, `wrote ${file}`);
    // a further question's manifest has a folder of its own
    if (resource.name.endsWith(`/${generation}/manifest.json`))
      this.#settle(name, generation, { kind: 'manifest', name: resource.name });
  }

  #attempted({ subscription, body, attempt, result }: PushAttempt): void {
    const upload = isSuccess(result) ? undefined : uploadIn(subscription, body);
    if (!upload) return;
    const reason = this.#failures.get(upload.key) ?? `answer ${result}`;
    this.#onStage(upload.name, `attempt ${attempt} failed: ${reason}`);
    this.#failures.set(upload.key, reason);
  }

  #givenUp({ subscription, message, attempts }: DeadLetter): void {
    const upload = uploadIn(subscription, Buffer.from(message.data, 'base64'));
    if (!upload) return;
    const { name, generation, key } = upload;
    this.#onStage(name, `given up after ${counted(attempts, 'attempt')}; kept as a dead letter`);
    this.#settle(name, generation, {
      kind: 'dead-letter',
      attempts,
      reason: this.#failures.get(key) ?? 'no response',
    });
  }

  #logged(line: string): void {
    const entry = jsonRecord(line);
    const { object } = entry;
    if (typeof object !== 'string') return;
    const name = object.slice(`gs://${BUCKETS.raw}/`.length);
    if (entry['message'] === 'step done') this.#onStage(name, String(entry['detail']));
    if (entry['message'] === 'attempt failed') {
      this.#failures.set(keyOf(name, String(entry['generation'])), `${entry['code']}: ${entry['reason']}`);
    }
  }

  #settle(name: string, generation: string, outcome: Outcome): void {
    const key = keyOf(name, generation);
    this.#outcomes.set(key, outcome);
    this.#onSettled(name, outcome);
    this.#waiting.get(key)?.(outcome);
    this.#waiting.delete(key);
  }
}

const isSuccess = (result: number | string): boolean =>
  typeof result === 'number' && result >= 200 && result < 300;

/** Undefined for events of other buckets, and for replays. */
function uploadIn(
  subscription: string,
  body: Buffer,
): { name: string; generation: string; key: string } | undefined {
  if (!subscription.includes('/eventarc-')) return undefined;
  const { kind, bucket, name, generation } = jsonRecord(body.toString()) as Partial<ObjectResource>;
  if (kind !== 'storage#object' || bucket !== BUCKETS.raw || !name || !generation) return undefined;
  return { name, generation, key: keyOf(name, generation) };
}

function keyOf(name: string, generation: string): string {
  return `${name}#${generation}`;
}
