import { expect, test } from 'vitest';
import { readRandomForms } from '../helpers/random-forms.ts';

test('a million random objects between the forms: none fails, and each has one identity that no other has', () => {
  const { unstable, ambiguous, ...counts } = readRandomForms(1_000_000, 2);
  process.stderr.write(`forms: ${JSON.stringify(counts)}\n`);
  expect({ unstable, ambiguous }).toEqual({ unstable: [], ambiguous: [] });
}, 900_000);
