import { describe, expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { readSettings } from '../../../shared/core/read-settings.ts';
import { bucket, type Env, text } from '../../../shared/core/settings.ts';
import { parseConfig } from '../../../shared/invocation/services.ts';

const mistakesOf = (env: Env, parse: (env: Env) => unknown): string => {
  try {
    parseConfig(env, parse);
  } catch (error) {
    return error instanceof AppError && error.code === 'invalid-config' ? error.message : String(error);
  }
  return '';
};

describe('mistakes of the handler and of the services are one list', () => {
  test('a name that ends in the name of another hides nothing', () => {
    const parse = (env: Env) => readSettings({ MY_STATE_BUCKET: bucket({ doc: 'own' }) }, env);
    expect(mistakesOf({}, parse)).toBe(
      'configuration: MY_STATE_BUCKET must be set; STATE_BUCKET must be set',
    );
  });

  test('a variable that both read is listed once', () => {
    const parse = (env: Env) =>
      readSettings({ TONE: text({ doc: 'tone' }), STATE_BUCKET: bucket({ doc: 'records' }) }, env);
    expect(mistakesOf({}, parse)).toBe('configuration: TONE must be set; STATE_BUCKET must be set');
  });

  test("a parser's own refusal is listed as it is", () => {
    const parse = () => {
      throw new AppError('invalid-config', 'one of A and B must be set');
    };
    expect(mistakesOf({}, parse)).toBe('configuration: one of A and B must be set; STATE_BUCKET must be set');
  });

  test('anything else is no mistake of the configuration', () => {
    const parse = () => {
      throw new TypeError('broken');
    };
    expect(mistakesOf({}, parse)).toBe('TypeError: broken');
  });
});
