import type { JsonDocument } from '../core/json-text.ts';
import { eventIdOf, type JsonEvent } from './cloud-event.ts';
import type { EventForm } from './event-forms.ts';
import { JsonBody } from './json-body.ts';
import { linksOf } from './links.ts';
import { plainIdOf } from './plain-id.ts';
import type { PubsubMessage } from './pubsub-message.ts';
import { readForm } from './read-form.ts';
import { jsonLinks } from './structured-event.ts';

export interface Defaults {
  /** Type of JSON that names none. */
  defaultType: string;
  defaultSource: string;
}

/** The message that brought the JSON. */
interface Carrier extends Pick<PubsubMessage, 'attributes' | 'topic'> {
  /** Attributes that its form is read from. Default: all. */
  forms?: PubsubMessage['attributes'];
}

/**
 * The event in JSON that is no CloudEvent, in the first of the forms that fits. It is identified by the id and source
 * that its form has, else by its content.
 */
export function formedEvent(
  text: string,
  root: JsonDocument,
  carrier: Carrier,
  defaults: Defaults,
): JsonEvent {
  return readFormed(text, root, carrier, defaults).event;
}

/** The event, and the form it is in. */
export function readFormed(
  text: string,
  root: JsonDocument,
  { attributes, topic, forms = attributes }: Carrier,
  { defaultType, defaultSource }: Defaults,
): { form: EventForm; event: JsonEvent } {
  const body = new JsonBody(text, root);
  const { form, fields } = readForm(body, forms);
  const source = fields.source ?? topic ?? defaultSource;
  const { id } = fields;
  const identity =
    id === undefined
      ? plainIdOf(text, root)
      : { id: eventIdOf({ id, source }), former: hasIdInBody(form) ? plainIdOf(text, root).id : undefined };
  const eventId = identity.id;
  const own = jsonLinks(text, root, attributes);
  const data = form.data === undefined ? undefined : body.textOf(form.data);
  const event = {
    eventId,
    id: id ?? eventId,
    source,
    type: fields.type ?? defaultType,
    subject: fields.subject,
    time: fields.time,
    dataschema: fields.dataschema,
    // a body's member of that name may be anything
    ...linksOf(eventId, { ...own, event: (name) => (name === 'hops' ? undefined : own.event(name)) }),
    data: data ?? text,
    ...(data !== undefined && { body: text }),
    ...(identity.former !== undefined && { formerIds: [identity.former] }),
  };
  return { form, event };
}

/** True if equal content has the same id: what earlier versions identified by content is the same event. */
function hasIdInBody({ id }: EventForm): boolean {
  return id?.every((place) => !place.includes('{@')) ?? false;
}
