import { expect, test } from 'vitest';
import { readRandomForms } from '../helpers/random-forms.ts';

const OBJECTS = Number(process.env['RANDOM_OBJECTS'] ?? 1_000_000);

test(`${OBJECTS} random objects between the forms: none fails, and each has one identity that no other has`, async () => {
  const { unstable, ambiguous, ...counts } = await readRandomForms(OBJECTS, 2);
  process.stderr.write(`forms: ${JSON.stringify(counts)}\n`);
  expect({ unstable, ambiguous }).toEqual({ unstable: [], ambiguous: [] });
}, 3_600_000);
