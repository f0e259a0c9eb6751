import { expect, test } from 'vitest';
import {
  formatTraceparent,
  parseTraceparent,
  readTraceparent,
  traceIdOf,
  traceparentFrom,
} from '../../../shared/events/traceparent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test.each([
  ['version 00', `00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`],
  ['a later version with more parts', `cc-${TRACE}-${SPAN}-01-what`, `00-${TRACE}-${SPAN}-01`],
  ['version 00 with more parts', `00-${TRACE}-${SPAN}-01-what`, undefined],
  ['the forbidden version', `ff-${TRACE}-${SPAN}-01`, undefined],
  ['no trace id', `00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  ['no span id', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
  ['more than 256 characters', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(256)}`, undefined],
  ['no text', 7, undefined],
])('%s', (_name, value, read) => {
  expect(readTraceparent(value)).toBe(read);
  expect(parseTraceparent(value) === undefined).toBe(read === undefined);
});

test('parsed and formatted, it is the same', () => {
  const context = { traceId: TRACE, spanId: SPAN, isSampled: false };
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-03`)).toEqual({ ...context, isSampled: true });
  expect(traceIdOf({ traceparent: `00-${TRACE}-${SPAN}-00` })).toBe(TRACE);
});

test.each([
  ['a bare id', TRACE, TRACE],
  ['in a log entry', `projects/p/traces/${TRACE}`, TRACE],
  ["in Google's header", `${TRACE.toUpperCase()}/123;o=1`, TRACE],
  ['only zeros', '0'.repeat(32), undefined],
  ['anything else', 'abc', undefined],
])('a trace id: %s', (_name, value, traceId) => {
  const expected = traceId && `00-${traceId}-${'e'.repeat(16)}-01`;
  expect(traceparentFrom(value, 'e'.repeat(64))).toBe(expected);
});
