import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  structured,
} from '../../../helpers/messages.ts';
import { type MutationKind, mutantsOf, sometimesAsIs } from '../kind.ts';
import { decodeMessage, encodeMessage, readAsIngest } from './messages.ts';

const LONG = { text: 'é'.repeat(300), list: Array.from({ length: 40 }, (_, n) => ({ n, z: n / 7, a: [n] })) };
const REJECTED = {
  manifest: { bucket: 'b', name: 'n' },
  source: { bucket: 'b', name: 'n', generation: '1' },
  attempts: 1,
  rejection: { code: 'c', reason: 'r' },
};

const MESSAGES = [
  structured(),
  structured({ data: LONG, subject: 's', correlationid: 'c', dataschema: 'https://x/order.created/1.json' }),
  structured({ data: undefined, data_base64: 'eyAiYSI6IDEgfQ==' }),
  structured({ type: 'video.rejected', data: REJECTED }),
  binary(),
  binary({ type: 'video.rejected', data: REJECTED, time: '2026-11-21T10:00:00.123456+01:00' }),
  binary({ data: undefined }),
  structured({
    hops: 3,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    metadata: { causationId: 'c' },
  }),
  batch([cloudEvent(), cloudEvent({ id: '2', data: [1, 2.5, -1e-7] }), 7, cloudEvent({ id: undefined })]),
  pubsubMessage({ data: { b: 1, a: [true, null, '\u0000"\\'] }, attributes: { type: 't', source: 's' } }),
  pubsubMessage({ data: '{"n":9007199254740993,"x":1e400,"z":-0.0}' }),
  pubsubMessage({ data: JSON.stringify(LONG), attributes: { 'content-type': 'application/json' } }),
];

/** Pub/Sub messages in every mode, attributes and data changed: ingestEvent up to rows and dead letters. */
export const events: MutationKind = {
  async open() {
    const seeds = MESSAGES.map(encodeMessage);
    const tokens = ['ce-id: ', 'ce-specversion: 1.0\n', 'content-type: application/cloudevents-batch+json\n'];
    return {
      make: sometimesAsIs(seeds, mutantsOf(seeds, tokens)),
      read: (bytes) => readAsIngest(messageEvent(decodeMessage(bytes))),
    };
  },
};
