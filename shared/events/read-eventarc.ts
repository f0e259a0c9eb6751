import { isJsonObject, type Json } from '../core/json-value.ts';
import { type CloudEvent, decodeJson, parseCloudEvent } from './cloud-event.ts';
import { MESSAGE_PUBLISHED } from './event-types.ts';
import { LENIENT, parseIncomingMessage } from './incoming-message.ts';

/** An event whose data is a JSON object. */
export type ObjectDataEvent = CloudEvent<string, Json>;

/**
 * An event as Eventarc delivers it (a CloudEvent in binary mode), or inside the message of a replay, in binary or
 * structured mode. Throws `invalid-event` naming what was found and what is allowed.
 */
export function readEventarc(input: unknown): ObjectDataEvent {
  const event = isMessage(input) ? eventInside(input) : parseCloudEvent(input);
  return { ...event, data: decodeJson(event.data, 'data') };
}

function eventInside(input: unknown): CloudEvent {
  return parseIncomingMessage(input, LENIENT).event;
}

function isMessage(input: unknown): boolean {
  if (!isJsonObject(input)) return false;
  return input['type'] === MESSAGE_PUBLISHED || (input['specversion'] === undefined && 'message' in input);
}
