import { AppError, isRefusal } from '../../shared/core/errors.ts';
import { type JsonText, readJsonElements } from '../../shared/core/json-text.ts';
import { checked, MEMBERS, readEventText } from '../../shared/events/event-text.ts';
import { readFormed } from '../../shared/events/formed-event.ts';
import { LENIENT } from '../../shared/events/incoming-message.ts';
import type { Received } from '../../shared/invocation/request.ts';
import { OTHER_FORM } from '../events-reader.ts';
import { MAX_DEPTH, MAX_EVENTS } from './body.ts';
import { type Member, messageOf } from './members.ts';
import type { Kind, Source } from './sources.ts';

type Vendor = Extract<Kind, 'eventbridge' | 'eventgrid' | 'github' | 'stripe'>;

/** Names of the forms that a vendor sends. Any other is a mistake of its configuration, not an event. */
const FORMS: Readonly<Record<Vendor, readonly string[]>> = {
  eventbridge: ['Amazon EventBridge'],
  eventgrid: ['Azure Event Grid'],
  github: ['GitHub webhook'],
  stripe: ['Stripe event', 'Stripe thin event'],
};

/** Headers that are part of a vendor's form: the reader knows them as attributes of a message. */
const HEADERS: Partial<Record<Vendor, readonly string[]>> = {
  github: ['x-github-event', 'x-github-delivery'],
};

/**
 * The event of a vendor, read in the same form as if it had been published directly: it has the same identity, and
 * becomes the same row. Throws `app-other-form` for any other JSON.
 */
export function vendorEvent(vendor: Vendor, source: Source, text: string, received?: Received): Member {
  const root = readEventText(text, MAX_DEPTH);
  const headers = HEADERS[vendor] ?? [];
  const pairs = headers.map((name) => [name, received?.header(name)]);
  const attributes: Record<string, string> = Object.fromEntries(
    pairs.filter(([, value]) => value !== undefined),
  );
  const { form, event } = readFormed(text, root, { attributes, topic: undefined }, LENIENT);
  if (!FORMS[vendor].includes(form.name)) {
    const wanted = FORMS[vendor].join(' or ');
    const beside = headers.length === 0 ? '' : ` with headers ${headers.join(', ')}`;
    throw new AppError(OTHER_FORM, `event must be of form ${wanted}${beside}, got ${form.name}`);
  }
  return { kind: 'event', message: messageOf(source, event, text) };
}

/** One event, or an array of them, whose bad members are set apart. */
export function vendorEvents(vendor: Vendor, source: Source, text: string): Member[] {
  const found: Member[] = [];
  const read = (item: JsonText): void => {
    if (found.length === MAX_EVENTS) {
      throw new AppError('too-large', `body must have at most ${MAX_EVENTS} events, got more`);
    }
    found.push(elementOf(vendor, source, text.slice(item.start, item.end)));
  };
  const kind = checked(() => readJsonElements(text, { maxDepth: MAX_DEPTH + 1 }, MEMBERS, read));
  return kind === 'array' ? found : [vendorEvent(vendor, source, text)];
}

function elementOf(vendor: Vendor, source: Source, text: string): Member {
  try {
    return vendorEvent(vendor, source, text);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: 'refused', error, text, contentType: 'application/json' };
  }
}
