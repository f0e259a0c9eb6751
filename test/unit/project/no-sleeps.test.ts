import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const unit = fileURLToPath(new URL('..', import.meta.url));
const own = 'project/no-sleeps.test.ts';

test('unit tests wait for events, never for time: the clock is passed in', () => {
  const sleeping = readdirSync(unit, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== own)
    .filter((file) => /\bsetTimeout\b/.test(readFileSync(`${unit}${file}`, 'utf8')));
  expect(sleeping).toEqual([]);
});
