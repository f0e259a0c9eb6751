import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseCloudEvent } from '../../../shared/events/cloud-event.ts';
import { LENIENT } from '../../../shared/events/incoming-message.ts';
import { LINK_PLACES, linkSources, linksOf } from '../../../shared/events/links.ts';
import { parsePubsubMessage } from '../../../shared/events/pubsub-message.ts';
import { readEvents } from '../../../shared/events/read-events.ts';
import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  structured,
} from '../../helpers/messages.ts';

type Link = keyof typeof LINK_PLACES;
type Place = readonly [where: 'event' | 'metadata' | 'attributes', name: string];

const links = Object.keys(LINK_PLACES) as Link[];
const placesOf = (link: Link): Place[] =>
  (['event', 'metadata', 'attributes'] as const).flatMap((where) =>
    LINK_PLACES[link][where].map((name): Place => [where, name]),
  );

const TRACE = (digit: number): string => String(digit).repeat(32);
const traceparent = (digit: number): string => `00-${TRACE(digit)}-${'b'.repeat(16)}-01`;

/** A value to write in a place, and the value read from it. */
function sample(link: Link, name: string, digit: number): { written: string; read: string | number } {
  if (link === 'hops') return { written: String(digit), read: digit };
  if (name === 'traceId') return { written: TRACE(digit), read: TRACE(digit) };
  if (link === 'traceparent') return { written: traceparent(digit), read: TRACE(digit) };
  return { written: `id-${digit}`, read: `id-${digit}` };
}

function found(link: Link, event: { traceparent: string | undefined } & Record<string, unknown>): unknown {
  return link === 'traceparent' ? event.traceparent?.slice(3, 35) : event[link];
}

function read(message: Record<string, unknown>) {
  const [outcome] = readEvents(parsePubsubMessage(messageEvent(message)), LENIENT).outcomes;
  if (outcome?.kind !== 'event') throw outcome?.error ?? new Error('no event');
  return { ...outcome.event };
}

/** An event with values in all given places; the first one should count. */
function written(link: Link, places: readonly Place[]) {
  const event: Record<string, string> = {};
  const metadata: Record<string, string> = {};
  const attributes: Record<string, string> = {};
  const into = { event, metadata, attributes };
  places.forEach(([where, name], index) => {
    into[where][name] = sample(link, name, index + 1).written;
  });
  return { event: { ...event, ...(Object.keys(metadata).length > 0 && { metadata }) }, attributes };
}

const withAttributes = (message: Record<string, unknown>, attributes: Record<string, string>) => ({
  ...message,
  attributes: { ...(message['attributes'] as object | undefined), ...attributes },
});

const modes: [string, (event: Record<string, unknown>, beside: Record<string, string>) => unknown][] = [
  ['structured', (event, beside) => read(withAttributes(structured(event), beside))],
  ['of a batch', (event, beside) => read(withAttributes(batch([cloudEvent(event)]), beside))],
  ['as the framework hands it over', (event, beside) => parseCloudEvent(cloudEvent(event), beside)],
  ['plain', (event, beside) => read(withAttributes(pubsubMessage({ data: { n: 1, ...event } }), beside))],
];

test.each(links.flatMap((link) => modes.map(([mode, readMode]) => [link, mode, readMode] as const)))(
  'the first place that has the %s counts in an event %s',
  (link, mode, readMode) => {
    // a member `hops` of plain JSON may be anything
    const places = placesOf(link).filter(
      ([where]) => !(mode === 'plain' && link === 'hops' && where === 'event'),
    );
    for (let from = 0; from < places.length; from++) {
      const rest = places.slice(from);
      const { event, attributes } = written(link, rest);
      const [[, name]] = rest as [Place];
      expect(found(link, readMode(event, attributes) as never), `${rest}`).toBe(sample(link, name, 1).read);
    }
  },
);

test.each(links)('in binary mode the %s comes from `ce-*` attributes first, then from others', (link) => {
  const places = LINK_PLACES[link].attributes;
  for (let from = 0; from < places.length; from++) {
    const names = places.slice(from);
    const attributes = Object.fromEntries(names.map((name, i) => [name, sample(link, name, i + 1).written]));
    const message = withAttributes(
      binary({ data: { metadata: { correlationId: 'data', traceId: TRACE(9) } } }),
      attributes,
    );
    expect(found(link, read(message))).toBe(sample(link, names[0]!, 1).read);
  }
});

test('an event without link attributes has no links', () => {
  const none = { correlationId: undefined, causationId: undefined, hops: 0, traceparent: undefined };
  expect(read(structured())).toMatchObject(none);
  expect(read(pubsubMessage({ data: '[1]' }))).toMatchObject(none);
  expect(parseCloudEvent(cloudEvent())).toMatchObject(none);
});

const trace = (value: unknown): unknown => read(structured({ traceparent: value })).traceparent;
const [ID, SPAN] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];

test.each([
  [`00-${ID}-${SPAN}-01`, `00-${ID}-${SPAN}-01`],
  // a later version may have more fields: https://www.w3.org/TR/trace-context/#versioning-of-traceparent
  [`01-${ID}-${SPAN}-00`, `00-${ID}-${SPAN}-00`],
  [`cc-${ID}-${SPAN}-01-what-the-future-will-be`, `00-${ID}-${SPAN}-01`],
  [`cc-${ID}-${SPAN}-01.what-the-future-will-be`, undefined],
  [`00-${ID}-${SPAN}-01-ab`, undefined],
  [`ff-${ID}-${SPAN}-01`, undefined],
  [`00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  [`00-${ID}-${'0'.repeat(16)}-01`, undefined],
  [`00-${ID.toUpperCase()}-${SPAN}-01`, undefined],
  [`00-${ID}-${SPAN}`, undefined],
  [`01-${ID}-${SPAN}-01${'-'.repeat(500)}`, undefined],
  ['', undefined],
  [7, undefined],
  [{}, undefined],
])('traceparent %j is read as %j', (value, expected) => {
  expect(trace(value)).toBe(expected);
});

test('a trace id alone gets a span derived from the event', () => {
  const { eventId, traceparent: read1 } = read(structured({ metadata: { traceId: ID.toUpperCase() } }));
  expect(read1).toBe(`00-${ID}-${eventId.slice(0, 16)}-01`);
  expect(read(structured({ metadata: { traceId: '0'.repeat(32) } })).traceparent).toBeUndefined();
});

test.each([
  [3, 3],
  ['3', 3],
  [0, 0],
  ['0001', 1],
  [1_000, 1_000],
  [1_001, 1_000],
  ['9'.repeat(1_000), 1_000],
  [-1, 0],
  [1.5, 0],
  ['0x10', 0],
  ['many', 0],
  ['', 0],
  [true, 0],
  [[3], 0],
  [{ n: 3 }, 0],
])('hops %j count as %i', (value, expected) => {
  expect(read(structured({ hops: value })).hops).toBe(expected);
  expect(parseCloudEvent(cloudEvent({ hops: value })).hops).toBe(expected);
});

test.each([
  ['no object', 'text'],
  ['an array', [{ correlationId: 'x' }]],
  ['long', { correlationId: 'x', padding: 'p'.repeat(16_384) }],
  ['with an object for an id', { correlationId: { id: 'x' } }],
  ['with a control character', { correlationId: 'a\u0007b' }],
  ['with half a character', { correlationId: '\ud800' }],
  ['with an empty id', { correlationId: '' }],
])('metadata that is %s is ignored', (_name, metadata) => {
  expect(read(pubsubMessage({ data: { metadata } })).correlationId).toBeUndefined();
});

test('an id of more than 8,192 characters is ignored', () => {
  const lookUp = (id: string) =>
    linksOf('0'.repeat(64), linkSources({}, { correlation_id: id })).correlationId;
  expect(lookUp('x'.repeat(8_192))).toHaveLength(8_192);
  expect(lookUp('x'.repeat(8_193))).toBeUndefined();
});

test('the page on events lists the places', () => {
  const page = readFileSync('docs/events-and-identities.md', 'utf8');
  const names: Record<Link, string> = {
    correlationId: 'correlation id',
    causationId: 'causation id',
    traceparent: 'trace',
    hops: 'hops',
  };
  for (const link of links) {
    const { event, metadata, attributes } = LINK_PLACES[link];
    const cells = [event, metadata.map((name) => `metadata.${name}`), attributes].map((list) =>
      list.map((name) => `\`${name}\``).join(', '),
    );
    expect(page).toContain(`| ${names[link]} | ${cells.join(' | ')} |`);
  }
});
