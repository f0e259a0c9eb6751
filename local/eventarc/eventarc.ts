import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { type EventSource, eventSources } from '../../shared/app/trigger.ts';
import { eventTopicOf } from '../function-subscriptions.ts';
import type { ObjectResource } from '../gcs/records.ts';
import type { EventMessage } from '../pubsub/push-body.ts';
import { deletedMessage, finalizedMessage } from './storage-event.ts';

/** On disk when it returns. */
type Publish = (topic: string, message: EventMessage) => void;

/** Publishes a finalized object to the topic of each trigger on its bucket. Throws if that cannot be written. */
export function publishFinalized(
  resource: ObjectResource,
  functions: readonly FunctionDefinition[],
  publish: Publish,
): void {
  for (const one of firedBy('objectFinalized', resource, functions)) {
    publish(eventTopicOf(one), finalizedMessage(resource));
  }
}

/** The same for an object that is about to be deleted or replaced. */
export function publishDeleted(
  resource: ObjectResource,
  functions: readonly FunctionDefinition[],
  publish: Publish,
): void {
  for (const one of firedBy('objectDeleted', resource, functions)) {
    publish(eventTopicOf(one), deletedMessage(resource));
  }
}

function firedBy(
  kind: EventSource['kind'],
  { bucket }: ObjectResource,
  functions: readonly FunctionDefinition[],
): FunctionDefinition[] {
  const isFired = (source: EventSource): boolean =>
    source.kind === kind && 'bucket' in source && source.bucket === bucket;
  return functions.filter(({ trigger }) => eventSources(trigger).some(isFired));
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
