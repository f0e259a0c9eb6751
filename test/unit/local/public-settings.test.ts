import { expect, test } from 'vitest';
import { publicSettings } from '../../../local/public-settings.ts';
import { integer, optional, secret, text } from '../../../shared/core/settings.ts';

const definition = {
  settings: {
    MODEL: text({ doc: 'a model' }),
    SIZE: integer({ min: 1, max: 9, default: 3, doc: 'a size' }),
    MAIL_URL: text({ doc: 'an address' }),
    COPY: text({ doc: 'what somebody has copied there' }),
    HEADERS: { ...optional(secret()), secret: true as const },
  },
  secrets: ['API_KEY'],
  secretFiles: ['SOURCES'],
};

test('settings that are given, and no secret: not its value, its length or its copy', () => {
  const env = {
    MODEL: 'm-1',
    MAIL_URL: 'smtp://user:pass-1@mail.example:25/?a=b@c',
    COPY: 'key-value-1',
    HEADERS: 'authorization=header-value-1',
    API_KEY: 'key-value-1',
    SOURCES_FILE: '/secrets/SOURCES/value',
    GOOGLE_APPLICATION_CREDENTIALS: '/home/a/key.json',
    PATH: '/bin',
  };
  expect(publicSettings(definition, env)).toEqual({
    MODEL: 'm-1',
    MAIL_URL: 'smtp://…@mail.example:25/?a=b@c',
  });
});

test('a long text is looked through in linear time', () => {
  const value = 'a://'.repeat(50_000);
  const started = performance.now();
  expect(publicSettings(definition, { MODEL: value })).toEqual({ MODEL: value });
  expect(performance.now() - started).toBeLessThan(2_000);
});
