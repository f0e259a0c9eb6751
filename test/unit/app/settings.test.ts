import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  bucket,
  type Env,
  flag,
  folder,
  integer,
  number,
  oneOf,
  optional,
  readSettings,
  required,
  type Setting,
  secret,
  secretSettings,
  text,
  topic,
  url,
} from '../../../shared/app/settings.ts';

const doc = 'a setting of a test';
const read = (setting: Setting<unknown>, value: string | undefined, env: Env = {}): unknown =>
  readSettings({ IT: setting }, { ...env, IT: value }).IT;

/** The message of the one error thrown; undefined if nothing is thrown. */
function refusal(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ name: 'AppError', code: 'invalid-config' });
    return (error as Error).message;
  }
}

const builders = {
  text: text({ doc, default: 'x' }),
  mail: text({ doc, pattern: { matches: /^\S+@\S+$/, mustBe: 'an e-mail address' }, default: 'a@b' }),
  number: number({ doc, min: -0.5, max: 24, default: 1.5 }),
  integer: integer({ doc, min: 1, max: 20, default: 2 }),
  oneOf: oneOf(['png', 'jpeg'], { doc, default: 'png' }),
  flag: flag({ doc, default: false }),
  bucket: bucket({ doc, default: 'my-bucket' }),
  topic: topic({ doc, default: 'projects/p/topics/t' }),
  folder: folder({ doc, default: 'events' }),
  url: url({ doc, default: 'https://example.com' }),
};
type Builder = keyof typeof builders;
const names = Object.keys(builders) as Builder[];

describe('each builder', () => {
  test.each(names)('%s: its default applies if the variable is not set, empty or blank', (name) => {
    const { default: fallback } = builders[name];
    expect(fallback).toBeDefined();
    for (const unset of [undefined, '', '  \n']) expect(read(builders[name], unset)).toBe(fallback);
  });

  test.each(names)('%s: without a default it must be set, unless it is optional', (name) => {
    const { default: _, ...rest } = builders[name];
    const bare: Setting<unknown> = { ...rest, required: true };
    expect(refusal(() => read(bare, ' '))).toBe('configuration: IT must be set');
    expect(read(optional(bare), ' ')).toBeUndefined();
    expect(refusal(() => read(required(optional(bare)), ' '))).toBe('configuration: IT must be set');
  });

  test.each<[Builder, string, unknown]>([
    ['text', ' some text ', 'some text'],
    ['mail', 'me@example.com', 'me@example.com'],
    ['number', '-0.5', -0.5],
    ['number', '24', 24],
    ['number', '.5', 0.5],
    ['number', '1e1', 10],
    ['integer', '1', 1],
    ['integer', '20', 20],
    ['integer', '3.0', 3],
    ['oneOf', 'jpeg', 'jpeg'],
    ['flag', 'true', true],
    ['flag', 'false', false],
    ['bucket', 'a.b_c-3', 'a.b_c-3'],
    ['topic', 'projects/other/topics/t', 'projects/other/topics/t'],
    ['folder', '/lake/events//', 'lake/events'],
    ['url', 'http://127.0.0.1:8085', 'http://127.0.0.1:8085'],
  ])('%s reads %j', (name, value, expected) => {
    expect(read(builders[name], value)).toBe(expected);
  });

  test.each<[Builder, string, string]>([
    ['mail', 'nobody', 'an e-mail address, got "nobody"'],
    ['number', '-0.51', 'a number from -0.5 to 24, got "-0.51"'],
    ['number', '24.01', 'a number from -0.5 to 24, got "24.01"'],
    ['number', '0x10', 'a number from -0.5 to 24, got "0x10"'],
    ['number', 'Infinity', 'a number from -0.5 to 24, got "Infinity"'],
    ['number', 'deep', 'a number from -0.5 to 24, got "deep"'],
    ['number', '1,5', 'a number from -0.5 to 24, got "1,5"'],
    ['integer', '0', 'an integer from 1 to 20, got "0"'],
    ['integer', '21', 'an integer from 1 to 20, got "21"'],
    ['integer', '1.5', 'an integer from 1 to 20, got "1.5"'],
    ['oneOf', 'gif', 'one of png, jpeg, got "gif"'],
    ['oneOf', 'PNG', 'one of png, jpeg, got "PNG"'],
    ['flag', 'yes', 'true or false, got "yes"'],
    ['bucket', 'gs://raw', 'the name of a bucket, got "gs://raw"'],
    ['bucket', 'Raw', 'the name of a bucket, got "Raw"'],
    ['topic', 't', 'projects/P/topics/T, or T if GOOGLE_CLOUD_PROJECT is set, got "t"'],
    ['topic', 'topics/t', 'projects/P/topics/T, or T if GOOGLE_CLOUD_PROJECT is set, got "topics/t"'],
    ['folder', '//', 'a folder such as events or lake/events, got "//"'],
    ['folder', 'a/../b', 'a folder such as events or lake/events, got "a/../b"'],
    ['folder', './a', 'a folder such as events or lake/events, got "./a"'],
    ['url', '127.0.0.1:8085', 'an http or https URL, got "127.0.0.1:8085"'],
    ['url', 'http://', 'an http or https URL, got "http://"'],
  ])('%s refuses %j', (name, value, told) => {
    expect(refusal(() => read(builders[name], value))).toBe(`configuration: IT must be ${told}`);
  });

  test('a topic may have its short name if the project is known', () => {
    expect(read(builders.topic, 't', { GOOGLE_CLOUD_PROJECT: 'p' })).toBe('t');
  });
});

test('one error lists every bad variable, and what the checks find', () => {
  const declared = {
    LEAST: integer({ doc, min: 0, max: 9, default: 1 }),
    MOST: integer({ doc, min: 0, max: 9, default: 5 }),
    FORMAT: builders.oneOf,
    SENDER: text({ doc }),
  };
  const inOrder = ({ LEAST = 0, MOST = 9 }: { LEAST?: number; MOST?: number }) =>
    LEAST <= MOST ? [] : [`LEAST must be at most MOST, got ${LEAST} and ${MOST}`];
  expect(readSettings(declared, { SENDER: 'me' }, inOrder)).toEqual({
    LEAST: 1,
    MOST: 5,
    FORMAT: 'png',
    SENDER: 'me',
  });
  expect(refusal(() => readSettings(declared, { LEAST: '6', FORMAT: 'gif' }, inOrder))).toBe(
    'configuration: FORMAT must be one of png, jpeg, got "gif"; SENDER must be set; LEAST must be at most MOST, got 6 and 5',
  );
  // a check does not run on bad values
  expect(refusal(() => readSettings(declared, { LEAST: '6', MOST: 'x', SENDER: 'me' }, inOrder))).toBe(
    'configuration: MOST must be an integer from 0 to 9, got "x"',
  );
});

test('a message shows the beginning of a long value, and nothing of a secret', () => {
  const long = 'y'.repeat(10_000);
  expect(refusal(() => read(builders.flag, long))).toBe(
    `configuration: IT must be true or false, got "${'y'.repeat(80)}…"`,
  );
  const key = { ...secret(), mustBe: 'a key', parse: () => undefined };
  expect(refusal(() => read(key, 'hunter2'))).toBe('configuration: IT must be a key, got another value');
  expect(refusal(() => read(secret(), ''))).toBe('configuration: IT must be set');
  expect(read(secret(), 'hunter2')).toBe('hunter2');
  const { MAIL_API_KEY } = readSettings(secretSettings(['MAIL_API_KEY']), { MAIL_API_KEY: 'hunter2' });
  expect(MAIL_API_KEY).toBe('hunter2');
});

test('values have the declared types', () => {
  const declared = { FORMAT: builders.oneOf, COUNT: builders.integer, SENDER: optional(text({ doc })) };
  const values = readSettings(declared, {});
  expectTypeOf(values).toEqualTypeOf<{
    readonly FORMAT: 'png' | 'jpeg';
    readonly COUNT: number;
    readonly SENDER: string | undefined;
  }>();
});
