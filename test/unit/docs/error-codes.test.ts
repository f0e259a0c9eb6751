import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DOCUMENTED, errorCodesDocument } from '../../../docs/generate-error-codes.ts';
import { AppError, type ErrorCode } from '../../../shared/core/errors.ts';

const page = readFileSync(new URL('../../../docs/error-codes.md', import.meta.url), 'utf8');
const codes = Object.keys(DOCUMENTED) as ErrorCode[];

test('docs/error-codes.md is what node --import tsx docs/generate-error-codes.ts writes', () => {
  expect(page).toBe(errorCodesDocument());
});

test('each error code is listed under what happens to it', () => {
  const sections = page.split('\n## ');
  const under = (heading: string): string[] => {
    const section = sections.find((one) => one.startsWith(`${heading}\n`)) ?? '';
    return [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code!);
  };
  const isRetried = (code: ErrorCode): boolean => new AppError(code, '').retryable;
  expect(under('Refusals')).toEqual(codes.filter((code) => !isRetried(code)));
  expect(under('Retried')).toEqual(codes.filter(isRetried));
});
