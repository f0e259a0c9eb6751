import { isJsonObject } from '../core/json-value.ts';
import { aNumber, aString, type Check, listOf, mapOf, oneOf, shaped } from '../core/shape.ts';
import type { LetterEntry } from './records.ts';

const ATTEMPT = shaped({
  attempt: aNumber,
  code: aString,
  message: aString,
  stack: aString,
  at: aString,
  'trace?': aString,
});
const OBJECT = shaped({ bucket: aString, name: aString, generation: aString });
const EVENT = shaped({
  kind: oneOf('object', 'event'),
  'id?': aString,
  'type?': aString,
  'source?': aString,
});
const MESSAGE = shaped({
  'messageId?': aString,
  'publishTime?': aString,
  'orderingKey?': aString,
  attributes: mapOf(aString),
  data: aString,
  bytes: aNumber,
  form: oneOf('message', 'envelope', 'raw'),
});
const NAMED = { letter: aString, key: aString };

const SHAPES: Readonly<Record<LetterEntry['kind'], Check>> = {
  death: shaped({
    ...NAMED,
    function: aString,
    way: oneOf('refused', 'given-up', 'unknown'),
    code: aString,
    message: aString,
    group: aString,
    pattern: aString,
    eventId: aString,
    'correlationId?': aString,
    'subscription?': aString,
    'deliveries?': aNumber,
    attempts: listOf(ATTEMPT),
    attemptCount: aNumber,
    'firstFailureAt?': aString,
    'lastFailureAt?': aString,
    'concern?': (value) => (isJsonObject(value) && value['kind'] === 'object' ? OBJECT(value) : EVENT(value)),
    concernState: aString,
    'replay?': aString,
    diedAt: aString,
    inspectedAt: aString,
    letterMessage: MESSAGE,
  }),
  sending: shaped({ ...NAMED, topic: aString, at: aString }),
  replay: shaped({ ...NAMED, topic: aString, messageId: aString, at: aString }),
  resolved: shaped({ ...NAMED, by: aString, at: aString }),
  discard: shaped({ ...NAMED, reason: aString, by: aString, at: aString }),
};

/** Says why a record is not a valid entry of a letter; undefined if it is valid. */
export function entryFault(entry: unknown): string | undefined {
  const kind = isJsonObject(entry) ? entry['kind'] : undefined;
  const isKind = typeof kind === 'string' && Object.hasOwn(SHAPES, kind);
  return isKind
    ? SHAPES[kind as LetterEntry['kind']](entry)
    : shaped({ kind: oneOf(...Object.keys(SHAPES)) })(entry);
}
