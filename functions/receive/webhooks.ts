import { AppError } from '../../shared/core/errors.ts';
import { type JsonText, readJsonText } from '../../shared/core/json-text.ts';
import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { MAX_DEPTH, scan } from './json-body.ts';
import { bounded, memberReader, messageOf, RECEIVED_FROM } from './members.ts';
import type { Received } from './request.ts';
import type { Source } from './sources.ts';

type Read = (...path: string[]) => unknown;

/**
 * A GitHub delivery: type `com.github.EVENT.ACTION`, source the repository's address, id the delivery's, which a
 * redelivery keeps. https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
 */
export function githubEvent(source: Source, { header }: Received, text: string): OutgoingMessage {
  const event = headerOf(header('x-github-event'), 'x-github-event', /^[a-z_]{1,64}$/);
  const id = headerOf(header('x-github-delivery'), 'x-github-delivery', /^[\w-]{1,128}$/);
  const read = objectReader(text, ['action', 'repository', 'organization', 'number', 'issue', 'ref']);
  const action = read('action');
  const isNamed = typeof action === 'string' && /^[a-z_]{1,64}$/.test(action);
  const place = read('repository', 'html_url') ?? read('organization', 'url') ?? 'https://github.com';
  const subject = read('number') ?? read('issue', 'number') ?? read('ref');
  return messageOf(
    source,
    {
      id,
      source: place,
      type: isNamed ? `com.github.${event}.${action}` : `com.github.${event}`,
      subject: subject === '' ? undefined : subject,
    },
    text,
  );
}

/**
 * A Stripe event: type `com.stripe.TYPE`, source Stripe's API or the connected account, id the event's.
 * https://docs.stripe.com/api/events/object
 */
export function stripeEvent(source: Source, text: string): OutgoingMessage {
  const read = objectReader(text, ['id', 'type', 'created', 'account', 'data']);
  const [type, account, created] = [read('type'), read('account'), read('created')];
  if (typeof type !== 'string' || type === '') throw new AppError('invalid-event', 'type must be a string');
  const isTime = typeof created === 'string' && /^[0-9]{1,11}$/.test(created);
  const object = read('data', 'object', 'id');
  return messageOf(
    source,
    {
      id: read('id'),
      source: typeof account === 'string' ? `${STRIPE}/v1/accounts/${account}` : STRIPE,
      type: `com.stripe.${type}`,
      subject: typeof object === 'string' && object !== '' ? object : undefined,
      time: isTime ? new Date(Number(created) * 1_000).toISOString() : undefined,
    },
    text,
  );
}

const STRIPE = 'https://api.stripe.com';

/** A Standard Webhook: id of the header `webhook-id`, which a retry keeps; type and time of the recommended members. */
export function standardWebhook(source: Source, { header }: Received, text: string): OutgoingMessage {
  const root = readRoot(text, new Set(['type', 'timestamp']));
  const read = memberReader(text, root.members);
  const [type, time] = [read('type'), read('timestamp')];
  const hasTime = typeof time === 'string' && parseRfc3339(time) !== undefined;
  return messageOf(
    source,
    {
      id: header('webhook-id'),
      source: `/${source.id}`,
      type: typeof type === 'string' && type !== '' ? type : 'webhook',
      time: hasTime ? time : undefined,
    },
    text,
  );
}

/** Any JSON, as it came: it has the identity that its reader finds, usually that of its content. */
export function plainJson(source: Source, text: string): OutgoingMessage {
  readRoot(text, new Set());
  const { id } = source;
  const attributes = { 'content-type': 'application/json', source: `/${id}`, [RECEIVED_FROM]: id };
  return bounded(source, { data: Buffer.from(text), attributes });
}

const readRoot = (text: string, members: ReadonlySet<string>): JsonText =>
  scan(() => readJsonText(text, { maxDepth: MAX_DEPTH }, members));

/** Reads members by their path; `members` are those at the top. Throws `invalid-event` unless the body is an object. */
function objectReader(text: string, members: readonly string[]): Read {
  const root = readRoot(text, new Set(members));
  if (root.kind !== 'object') {
    throw new AppError('invalid-event', `body must be a JSON object, got JSON of kind ${root.kind}`);
  }
  return (...path) => readPath(text, root, path);
}

function readPath(text: string, { members }: JsonText, [name = '', ...rest]: string[]): unknown {
  const span = members.get(name);
  if (rest.length === 0) return memberReader(text, members)(name);
  if (span?.kind !== 'object') return undefined;
  const inner = text.slice(span.start, span.end);
  // already scanned as part of the whole
  return readPath(inner, readJsonText(inner, { maxDepth: MAX_DEPTH }, new Set(rest)), rest);
}

function headerOf(value: string | undefined, name: string, form: RegExp): string {
  if (value !== undefined && form.test(value)) return value;
  throw new AppError('invalid-event', `header ${name} must be letters, digits, dashes and underscores`);
}
