import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import { readEventText } from '../../shared/events/event-text.ts';
import { JsonBody } from '../../shared/events/json-body.ts';
import { cloudEventOf } from '../../shared/events/json-event.ts';
import { jsonLinks } from '../../shared/events/structured-event.ts';
import type { Received } from '../../shared/invocation/request.ts';
import { MAX_DEPTH } from './body.ts';
import { type Member, marked, messageOf } from './members.ts';
import type { Source } from './sources.ts';

/** A Standard Webhook: id of the header `webhook-id`, which a retry keeps; type and time of the recommended members. */
export function standardWebhook(source: Source, { header }: Received, text: string): Member {
  const root = readEventText(text, MAX_DEPTH);
  const body = new JsonBody(text, root);
  const [type, time] = [body.value(['type']), body.value(['timestamp'])];
  const attributes: Record<string, unknown> = {
    specversion: '1.0',
    id: header('webhook-id'),
    source: `/${source.id}`,
    type: typeof type === 'string' && type !== '' ? type : 'webhook',
    time: typeof time === 'string' && parseRfc3339(time) !== undefined ? time : undefined,
  };
  const event = cloudEventOf((name) => attributes[name], jsonLinks(text, root, {}), text);
  return { kind: 'event', message: messageOf(source, event, text) };
}

/** Any JSON, as it came: the readers of the topic find its form and identity, as of JSON that is published directly. */
export function plainJson(source: Source, text: string): Member {
  readEventText(text, MAX_DEPTH);
  const attributes = { 'content-type': 'application/json', source: `/${source.id}` };
  return { kind: 'event', message: marked(source, { data: Buffer.from(text), attributes }) };
}
