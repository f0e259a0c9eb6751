import { contentTypeOf, type Received } from '../../shared/invocation/request.ts';
import { jsonTextOf } from './body.ts';
import { cloudEventsOf } from './cloud-events.ts';
import type { Member } from './members.ts';
import { plainJson, standardWebhook } from './plain-events.ts';
import type { Source } from './sources.ts';
import { validationCode } from './validation.ts';
import { vendorEvent, vendorEvents } from './vendor-events.ts';

/** What an authenticated request brought: events, or Event Grid's question whether its endpoint wants events. */
export type Content = { kind: 'events'; members: Member[] } | { kind: 'validation'; code: string };

/** Throws a refusal if the body as a whole, or its only event, is malformed. */
export function translate(source: Source, received: Received): Content {
  const contentType = contentTypeOf(received);
  const isCloudEvent = contentType?.startsWith('application/cloudevents') ?? false;
  if (source.kind === 'cloudevents' || (source.kind === 'eventgrid' && isCloudEvent)) {
    return events(cloudEventsOf(source, received, contentType));
  }
  const text = jsonTextOf(received, contentType);
  switch (source.kind) {
    case 'eventgrid': {
      const code = validationCode(text);
      if (code !== undefined) return { kind: 'validation', code };
      return events(vendorEvents('eventgrid', source, text));
    }
    case 'eventbridge':
      return events(vendorEvents('eventbridge', source, text));
    case 'github':
    case 'stripe':
      return events([vendorEvent(source.kind, source, text, received)]);
    case 'hmac':
      return events([standardWebhook(source, received, text)]);
    case 'json':
      return events([plainJson(source, text)]);
  }
}

const events = (members: Member[]): Content => ({ kind: 'events', members });
