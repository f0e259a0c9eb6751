import { describe, expect, test } from 'vitest';
import { describeChain, nextHops, readHops } from '../../../shared/events/hops.ts';

describe('reading untrusted hops and chains', () => {
  test.each<[unknown, unknown, number, string[]]>([
    [undefined, undefined, 0, []],
    [3, undefined, 3, []],
    ['3', 'a:x>b:y', 3, ['a:x', 'b:y']],
    // a function that does not count hops is still in the chain
    ['0', 'a:x>b:y', 2, ['a:x', 'b:y']],
    ['999999999', undefined, 999_999_999, []],
    ['1e9', undefined, 0, []],
    [-1, undefined, 0, []],
    [1.5, undefined, 0, []],
    [Number.NaN, undefined, 0, []],
    ['99999999999999999999', undefined, 0, []],
    [{ hops: 1 }, ['a:x'], 0, []],
    [1, 'a:x>><script>>b:\u0000>no link>:>c:y', 2, ['a:x', 'c:y']],
    [0, `${'l'.repeat(65)}:x`, 0, []],
  ])('hops %j and chain %j', (hops, chain, count, links) => {
    expect(readHops(hops, chain)).toEqual({ count, chain: links });
  });

  test('a chain of a megabyte is cut to its last 16 links', () => {
    const { chain } = readHops(1, 'a:x>'.repeat(250_000));
    expect(chain).toEqual(Array.from({ length: 16 }, () => 'a:x'));
  });
});

test('each hop adds its function and the type that it publishes, and drops the oldest', () => {
  let hops = readHops(undefined, undefined);
  for (let hop = 1; hop <= 20; hop++) hops = nextHops(hops, 'answer', `ping.${hop}`);
  expect(hops.count).toBe(20);
  expect(hops.chain).toHaveLength(16);
  expect(describeChain(hops)).toMatch(/^… > answer:ping\.5 > .* > answer:ping\.20$/);
  expect(readHops(hops.count, hops.chain.join('>'))).toEqual(hops);
});

test('a chain fits into an attribute, whatever the types are', () => {
  let hops = readHops(undefined, undefined);
  for (let hop = 0; hop < 20; hop++) hops = nextHops(hops, 'f'.repeat(40), `ü>${'t'.repeat(200)}`);
  expect(hops.chain.join('>').length).toBeLessThanOrEqual(1_000);
  expect(hops.chain.at(-1)).toBe(`${'f'.repeat(40)}:??${'t'.repeat(78)}`);
  expect(readHops(0, hops.chain.join('>')).chain).toEqual(hops.chain);
});
