import { expect, test } from 'vitest';
import {
  messagePublished,
  objectFinalized,
  schedule,
  subscriptionFilter,
} from '../../../shared/app/trigger.ts';
import { FilterError, parseFilter } from '../../../shared/events/message-filter.ts';

const filterOf = (on: { types?: string[]; filter?: string }): string | undefined =>
  subscriptionFilter(messagePublished({ topic: 'events', ...on }));

test.each<[string, { types?: string[]; filter?: string }, string | undefined]>([
  ['neither types nor filter', {}, undefined],
  ['one type', { types: ['user.created'] }, 'attributes."ce-type" = "user.created"'],
  [
    'two types',
    { types: ['user.created', 'user.deleted'] },
    'attributes."ce-type" = "user.created" OR attributes."ce-type" = "user.deleted"',
  ],
  ['a filter alone', { filter: 'attributes:tenant' }, 'attributes:tenant'],
  [
    'both, each in parentheses',
    { types: ['a', 'b'], filter: 'attributes:x OR attributes:y' },
    '(attributes."ce-type" = "a" OR attributes."ce-type" = "b") AND (attributes:x OR attributes:y)',
  ],
  ['a type with quotes', { types: ['say "hi" \\'] }, 'attributes."ce-type" = "say \\"hi\\" \\\\"'],
])('%s', (_name, on, expected) => {
  expect(filterOf(on)).toBe(expected);
});

test('triggers that are not for messages have none', () => {
  expect(subscriptionFilter(objectFinalized({ bucket: 'raw' }))).toBeUndefined();
  expect(subscriptionFilter(schedule({ cron: '* * * * *', topic: 'ticks' }))).toBeUndefined();
});

test('a compiled filter passes its own types and nothing else', () => {
  const types = ['user.created', 'say "hi" \\', 'größer'];
  const matches = parseFilter(filterOf({ types, filter: 'attributes.tenant = "a"' })!);
  for (const type of types) {
    expect(matches({ 'ce-type': type, tenant: 'a' })).toBe(true);
    expect(matches({ 'ce-type': type, tenant: 'b' })).toBe(false);
    expect(matches({ 'ce-type': `${type}.v2`, tenant: 'a' })).toBe(false);
  }
  expect(matches({ type: 'user.created', tenant: 'a' })).toBe(false);
});

test.each<[string, { types?: string[]; filter?: string }, string]>([
  ['no types', { types: [] }, 'types must have at least one type, got none'],
  ['an empty type', { types: [''] }, 'types must be text of at least one character'],
  ['a type with a line break', { types: ['a\nb'] }, 'without control characters, got "a\\nb"'],
  [
    'an invalid filter',
    { filter: 'type = "a"' },
    'expected attributes, hasPrefix, NOT or ( at 0, got "type"',
  ],
  [
    'a filter that would close the parentheses',
    { types: ['a'], filter: 'attributes:x) OR (attributes:y' },
    'at 12',
  ],
  [
    'more types than a filter can hold',
    { types: Array.from({ length: 8 }, (_, index) => `order.created.v${index}`) },
    'filter must have at most 256 bytes, got 356',
  ],
])('%s: refused', (_name, on, message) => {
  expect(() => filterOf(on)).toThrow(FilterError);
  expect(() => filterOf(on)).toThrow(message);
});
