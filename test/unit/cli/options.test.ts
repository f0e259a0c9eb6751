import { expect, test } from 'vitest';
import { parseOptions, UsageError } from '../../../cli/common/options.ts';

const OPTIONS = { version: { type: 'string' }, full: { type: 'boolean' } } as const;

test.each([
  [['--version', '-1'], '--version needs a value; write one that begins with a dash as --version=-…'],
  [['--versoin', '1'], "Unknown option '--versoin'"],
  [['--full=yes'], "Option '--full' does not take an argument"],
  [['--version'], "Option '--version <value>' argument missing"],
  [['stray'], "Unexpected argument 'stray'"],
])('%j: one line that says what is wrong', (args, message) => {
  const parse = (): unknown => parseOptions(args, OPTIONS);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(message);
  expect(parse).not.toThrow(/\n/);
});
