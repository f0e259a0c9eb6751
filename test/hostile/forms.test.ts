import { expect, test } from 'vitest';
import { readRandomForms } from '../helpers/random-forms.ts';

/** `.ci/run` tries a part of them, as of all mutations. */
const OBJECTS = 10 * Number(process.env['MUTATIONS'] ?? 100_000);

test(`${OBJECTS} random objects between the forms: none fails, and each has one identity that no other has`, async () => {
  const { unstable, ambiguous, ...counts } = await readRandomForms(OBJECTS, 2);
  process.stderr.write(`forms: ${JSON.stringify(counts)}\n`);
  expect({ unstable, ambiguous }).toEqual({ unstable: [], ambiguous: [] });
}, 3_600_000);
