import { expect, test } from 'vitest';
import { nearest } from '../../../shared/core/nearest.ts';

const names = ['MOMENT_PROMPT', 'MAX_MOMENTS', 'MAX_SIDE', 'MIN_SECONDS', 'MAX_SECONDS'];

test.each([
  ['MOMENT_PROMT', 'MOMENT_PROMPT'],
  ['MAX_MOMENT', 'MAX_MOMENTS'],
  ['MOMENTPROMPT', 'MOMENT_PROMPT'],
  ['MAX_SECOND', 'MAX_SECONDS'],
  ['MAX_SIZE', 'MAX_SIDE'],
  ['FLUSH_ROWS', undefined],
  ['A', undefined],
  ['', undefined],
])('the nearest to %j is %j', (name, expected) => {
  expect(nearest(name, names)).toBe(expected);
});

test('the required similarity can be set', () => {
  expect(nearest('MAX_SIZE', names, 1)).toBe('MAX_SIDE');
  expect(nearest('MAX_SIZES', names, 1)).toBeUndefined();
  expect(nearest('MAX_SIDE', names, 0)).toBe('MAX_SIDE');
});
