import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { cloudEventsOf } from './cloud-events.ts';
import { envelopesOf, validationCode } from './envelopes.ts';
import { jsonTextOf } from './json-body.ts';
import type { Member } from './members.ts';
import { contentTypeOf, type Received } from './request.ts';
import type { Source } from './sources.ts';
import { githubEvent, plainJson, standardWebhook, stripeEvent } from './webhooks.ts';

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
      return events(envelopesOf('eventgrid', source, text));
    }
    case 'eventbridge':
      return events(envelopesOf('eventbridge', source, text));
    case 'github':
      return only(githubEvent(source, received, text));
    case 'stripe':
      return only(stripeEvent(source, text));
    case 'hmac':
      return only(standardWebhook(source, received, text));
    case 'json':
      return only(plainJson(source, text));
  }
}

const events = (members: Member[]): Content => ({ kind: 'events', members });

const only = (message: OutgoingMessage): Content => events([{ kind: 'event', message }]);
