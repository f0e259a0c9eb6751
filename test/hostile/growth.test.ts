import { expect, test } from 'vitest';
import { superlinearAmong } from '../helpers/growth.ts';
import { HOSTILE } from '../helpers/hostile-texts.ts';

const SIZES = [1e3, 1e4, 1e5, 1e6, 1e7];

test('up to 10 MB, every parser takes time in proportion to its input, or refuses it by size', async () => {
  expect(await superlinearAmong(HOSTILE, SIZES)).toEqual([]);
}, 900_000);
