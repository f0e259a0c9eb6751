import type { App } from '../../shared/app/define-app.ts';
import { DIED_OF, isForwarding } from '../../shared/events/letter-attributes.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import type { Pulled } from '../common/puller.ts';

/** An unread dead letter as its attributes describe it. Its data is not parsed: that is what kills the inspector. */
export interface UnreadLetter {
  messageId: string;
  /** When the inspector gave it up, RFC 3339. */
  givenUpAt: string;
  /** Delivery attempts to the inspector. */
  deliveries: number | undefined;
  /** Function that the event was for; undefined if unknown. */
  function: string | undefined;
  code: string | undefined;
  reason: string | undefined;
  bytes: number;
}

export function readUnread({ messageId, publishTime, attributes, data }: Pulled, app: App): UnreadLetter {
  const deliveries = attributes[DIED_OF.deliveries] ?? '';
  return {
    messageId,
    givenUpAt: publishTime,
    deliveries: /^\d{1,9}$/.test(deliveries) ? Number(deliveries) : undefined,
    function: attributes[DIED_OF.function] ?? functionOfObject(attributes, app),
    code: attributes[DIED_OF.code],
    reason: attributes[DIED_OF.reason],
    bytes: data.length,
  };
}

/**
 * Rebuilds the message that the inspector received. Pub/Sub has overwritten the name of the subscription that gave the
 * event up, so `functionName` replaces it. Returns undefined if the function is unknown.
 */
export function putBackMessage(
  { data, attributes, orderingKey }: Pulled,
  functionName: string | undefined,
): OutgoingMessage | undefined {
  const kept = Object.entries(attributes).filter(([name]) => !isForwarding(name));
  const isRefused = attributes[DIED_OF.code] !== undefined && attributes[DIED_OF.function] !== undefined;
  if (!isRefused && functionName === undefined) return undefined;
  const subscription = isRefused ? {} : { [DIED_OF.subscription]: `put-back-${functionName}` };
  const all = { ...Object.fromEntries(kept), ...subscription };
  return { data, attributes: all, ...(orderingKey !== undefined && { orderingKey }) };
}

/** The function that the object's bucket fires; undefined if this is no storage event, or if several qualify. */
function functionOfObject(
  attributes: Readonly<Record<string, string>>,
  { functions }: App,
): string | undefined {
  const bucket = attributes['bucketId'] ?? attributes['ce-bucket'];
  if (bucket === undefined && !attributes['ce-type']?.startsWith('google.cloud.storage.')) return undefined;
  const fired = functions.flatMap(({ name, trigger }) =>
    trigger.kind === 'objectFinalized' ? [{ name, key: trigger.bucket }] : [],
  );
  // a deployed bucket's name ends in its key
  const named = fired.filter(({ key }) => bucket === key || bucket?.endsWith(`-${key}`));
  const [only, ...others] = named.length > 0 ? named : fired;
  return others.length === 0 ? only?.name : undefined;
}
