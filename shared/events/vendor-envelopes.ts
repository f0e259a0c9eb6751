import type { JsonSpan } from '../core/json-text.ts';

/** Members of a vendor's envelope that become attributes of a CloudEvent. */
export interface VendorEnvelope {
  id: string;
  source: string;
  type: string;
  time: string;
  subject?: string;
  /** Member with the payload. */
  data: string;
}

/**
 * The only list of how other clouds name what CloudEvents calls id, source, type, time and subject.
 * https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
 * https://learn.microsoft.com/azure/event-grid/event-schema
 */
export const VENDOR_ENVELOPES = {
  eventbridge: { id: 'id', source: 'source', type: 'detail-type', time: 'time', data: 'detail' },
  eventgrid: {
    id: 'id',
    source: 'topic',
    type: 'eventType',
    time: 'eventTime',
    subject: 'subject',
    data: 'data',
  },
} as const satisfies Record<string, VendorEnvelope>;

export type Vendor = keyof typeof VENDOR_ENVELOPES;

/** Members of all envelopes, to be read from a JSON text. */
export const ENVELOPE_MEMBERS: ReadonlySet<string> = new Set(
  Object.values(VENDOR_ENVELOPES).flatMap((envelope) => Object.values(envelope)),
);

/**
 * The vendor whose envelope an object is: it has every required member, and is no CloudEvent. Undefined for any other
 * object. An Event Grid event has a topic only once Event Grid has delivered it.
 */
export function vendorOf(members: ReadonlyMap<string, JsonSpan>): Vendor | undefined {
  if (members.has('specversion')) return undefined;
  return (Object.keys(VENDOR_ENVELOPES) as Vendor[]).find((vendor) =>
    Object.values(VENDOR_ENVELOPES[vendor]).every((member) => members.has(member)),
  );
}
