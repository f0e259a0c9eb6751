import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { eventTopicOf } from '../function-subscriptions.ts';
import type { ObjectResource } from '../gcs/records.ts';
import type { EventMessage } from '../pubsub/push-body.ts';
import { finalizedMessage } from './storage-event.ts';

/** On disk when it returns. */
type Publish = (topic: string, message: EventMessage) => void;

/** Publishes a finalized object to the topic of each trigger on its bucket. Throws if that cannot be written. */
export function publishFinalized(
  resource: ObjectResource,
  functions: readonly FunctionDefinition[],
  publish: Publish,
): void {
  for (const one of functions) {
    const { trigger } = one;
    if (trigger.kind !== 'objectFinalized' || trigger.bucket !== resource.bucket) continue;
    publish(eventTopicOf(one), finalizedMessage(resource));
  }
}

/** Publishes events that earlier versions kept in files of their own, so that they still reach their functions. */
export function publishKept(dir: string, functions: readonly FunctionDefinition[], publish: Publish): void {
  const pending = join(dir, 'pending');
  if (!existsSync(pending)) return;
  for (const file of readdirSync(pending).filter((name) => name.endsWith('.json'))) {
    const path = join(pending, file);
    const { function: name, body } = JSON.parse(readFileSync(path, 'utf8')) as {
      function: string;
      body: string;
    };
    const target = functions.find((one) => one.name === name);
    if (!target) continue;
    publish(eventTopicOf(target), finalizedMessage(JSON.parse(body) as ObjectResource));
    rmSync(path);
  }
}
