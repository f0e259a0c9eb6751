import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventFormsDocument } from '../../../docs/generate-event-forms.ts';
import { VENDOR_BODIES } from '../../fixtures/vendors/index.ts';

test('docs/event-forms.md is what node --import tsx docs/generate-event-forms.ts writes', () => {
  const page = readFileSync(new URL('../../../docs/event-forms.md', import.meta.url), 'utf8');
  expect(page).toBe(eventFormsDocument(VENDOR_BODIES));
});
