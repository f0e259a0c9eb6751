import { AppError } from '../../shared/core/errors.ts';
import { describe, type Json } from '../../shared/core/json-value.ts';
import { decodeJson, type ParsedEvent, parseCloudEvent } from '../../shared/events/cloud-event.ts';
import { contentIdOf } from '../../shared/events/content-id.ts';
import { messageEvent, parsePubsubMessage } from '../../shared/events/pubsub-message.ts';

/** A question about a stored video, as its message asks it. */
export interface QuestionEvent extends ParsedEvent {
  bucket: string | undefined;
  name: string;
  /** Default: the live generation. */
  generation: string | undefined;
  /** In the form of an upload's custom metadata, with the same rules. */
  metadata: Readonly<Record<string, string>>;
}

/** More than enough for the longest name and the longest question. */
const MAX_BYTES = 65_536;

/**
 * Reads a message with one question: `{ "name": …, "moment": … }`, and optionally `bucket`, `generation`,
 * `maxMoments` and `contactSheet`; bare or as the data of a structured CloudEvent. Throws `invalid-event`.
 */
export function readQuestion(input: unknown): QuestionEvent {
  const message = parsePubsubMessage(input);
  if (message.data.length > MAX_BYTES) {
    throw new AppError(
      'invalid-event',
      `a question must have at most ${MAX_BYTES} bytes, got ${message.data.length}`,
    );
  }
  const body = decodeJson(message.data, 'message.data');
  const isEvent = body['specversion'] !== undefined;
  const event = isEvent
    ? parseCloudEvent(body, message.attributes)
    : messageEvent(message, contentIdOf(input));
  const data = isEvent ? decodeJson(event.data, 'data') : body;
  const generation = text(data, 'generation', false);
  if (generation !== undefined && !/^[1-9][0-9]{0,18}$/.test(generation)) {
    throw new AppError('invalid-event', `generation must be a decimal string, got ${describe(generation)}`);
  }
  const { maxMoments, contactSheet } = data;
  return {
    event,
    eventId: event.eventId,
    bucket: text(data, 'bucket', false),
    name: text(data, 'name', true),
    generation,
    metadata: {
      moment: text(data, 'moment', true),
      ...(maxMoments !== undefined && { 'max-moments': String(maxMoments) }),
      ...(contactSheet !== undefined && { 'contact-sheet': String(contactSheet) }),
    },
  };
}

function text(data: Json, name: string, isRequired: true): string;
function text(data: Json, name: string, isRequired: false): string | undefined;
function text(data: Json, name: string, isRequired: boolean): string | undefined {
  const value = data[name];
  if (value === undefined && !isRequired) return undefined;
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new AppError('invalid-event', `${name} must be a string with text, got ${describe(value)}`);
}
