import { expect, test } from 'vitest';
import { line, measure, superlinear } from '../helpers/growth.ts';
import { HOSTILE } from '../helpers/hostile-texts.ts';

const SIZES = [1e3, 1e4, 1e5, 1e6, 1e7];

test('up to 10 MB, every parser takes time in proportion to its input, or refuses it by size', async () => {
  const found: string[] = [];
  for (const hostile of HOSTILE) {
    const measured = measure(hostile, SIZES);
    process.stdout.write(`${line(hostile.name, measured)}\n`);
    if (superlinear(measured).length > 0) found.push(line(hostile.name, measured));
    // lets the test runner's messages through
    await new Promise(setImmediate);
  }
  expect(found).toEqual([]);
}, 900_000);
