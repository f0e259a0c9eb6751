import type { App } from '../../shared/app/define-app.ts';
import { type Subject, subjectOf } from '../../shared/app/subject.ts';
import { isJsonObject } from '../../shared/core/json-value.ts';
import { inputOf, textOf } from '../../shared/dead-letters/original.ts';
import type { DeadLetter } from '../../shared/dead-letters/read-dead-letter.ts';
import type { DeathRecord, SubjectEvent } from '../../shared/dead-letters/records.ts';
import { contentIdOf } from '../../shared/events/content-id.ts';
import { isMark } from '../../shared/events/letter-attributes.ts';
import { linkSources, linksOf } from '../../shared/events/links.ts';

export interface Identity extends Pick<DeathRecord, 'eventId' | 'concern' | 'correlationId'> {
  /** Key of its failure records. */
  historyId: string;
  settled: Subject['settled'];
}

/** Identifies the event with the failed function's parser; if that refuses it, by its content. */
export async function identify(letter: DeadLetter, app: App): Promise<Identity> {
  const parsed = await parse(letter, app);
  if (parsed) {
    const { eventId, historyId, about, correlationId, settled } = parsed;
    return { eventId: letter.eventId ?? eventId, historyId, concern: about, correlationId, settled };
  }
  const eventId = letter.eventId ?? contentIdOf(asDelivered(letter));
  return {
    eventId,
    historyId: eventId,
    concern: looksLike(letter),
    correlationId: correlationOf(letter, eventId),
    settled: undefined,
  };
}

async function parse(letter: DeadLetter, app: App): Promise<Subject | undefined> {
  // our limits are wider than the function's; a letter that was too large for it must not fill our memory
  if (letter.refusal?.code === 'too-large') return undefined;
  try {
    return await subjectOf(app, letter.function, inputOf(letter.original));
  } catch {
    // a death must be recorded whatever the parser threw
    return undefined;
  }
}

/** The failed function's input, so that both compute the same content id. */
function asDelivered({ message, original }: DeadLetter): unknown {
  if (original.kind === 'event') {
    // as text: serializing it again would fail if it is nested too deeply
    const attributes = { 'content-type': 'application/cloudevents+json' };
    return { message: { data: Buffer.from(original.text).toString('base64'), attributes } };
  }
  if (message.form !== 'message') return inputOf(original);
  const attributes = Object.entries(message.attributes).filter(([name]) => !isMark(name));
  const { orderingKey } = original;
  return { message: { data: message.data, attributes: Object.fromEntries(attributes), orderingKey } };
}

function looksLike(letter: DeadLetter): SubjectEvent | undefined {
  const [id, type, source] = ['id', 'type', 'source'].map((name) => said(letter, name));
  if (id === undefined && type === undefined && source === undefined) return undefined;
  return { kind: 'event', id, type, source };
}

function correlationOf({ original }: DeadLetter, eventId: string): string | undefined {
  const sources =
    original.kind === 'event'
      ? linkSources(isJsonObject(original.input) ? original.input : {}, {})
      : linkSources({}, original.attributes);
  return linksOf(eventId, sources).correlationId;
}

/** Reads a value from the attributes, or from the CloudEvent itself. */
function said({ original }: DeadLetter, name: string): string | undefined {
  if (original.kind === 'event') return textOf(original.input, name);
  const { attributes } = original;
  return attributes[`ce-${name}`] ?? attributes[name];
}
