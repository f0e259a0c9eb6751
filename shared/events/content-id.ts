import { isJsonObject } from '../core/json-value.ts';
import { sha256 } from '../core/sha256.ts';
import { eventIdOf } from './cloud-event.ts';
import { isOurs } from './letter-attributes.ts';
import { asPubsubMessage } from './pubsub-message.ts';

/**
 * Identity of an event that cannot be parsed: a CloudEvent's source and id if it has them, else its content. Stable
 * across redeliveries and replays: whatever an attempt, a death or a replay adds is ignored. 64 hex digits.
 */
export function contentIdOf(input: unknown): string {
  const message = asPubsubMessage(input);
  if (!message) return identityIn(JSON.stringify(input) ?? '', input);
  const { data, attributes, orderingKey } = message;
  if (attributes['content-type']?.startsWith('application/cloudevents+json')) {
    const text = data.toString();
    return identityIn(text, parse(text));
  }
  const own = Object.entries(attributes).filter(([name]) => !isAdded(name));
  own.sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([sha256(data), own, orderingKey ?? '']));
}

function identityIn(text: string, event: unknown): string {
  if (!isJsonObject(event)) return sha256(text);
  const { id, source } = event;
  if (typeof id !== 'string' || typeof source !== 'string' || id === '' || source === '') return sha256(text);
  return eventIdOf({ id, source });
}

function isAdded(name: string): boolean {
  return isOurs(name) || name === 'ce-causationid';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
