import { expect, test } from 'vitest';
import { readRandomForms } from '../../helpers/random-forms.ts';

test('random objects between the forms: none fails, and each has one identity that no other has', () => {
  const { unstable, ambiguous, ...counts } = readRandomForms(3_000, 1);
  expect({ unstable, ambiguous }).toEqual({ unstable: [], ambiguous: [] });
  // the objects are neither all refused nor all alike
  expect(counts.events).toBeGreaterThan(2_000);
  expect(counts.identities).toBeGreaterThan(1_000);
});
