import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Failure } from '../../../cli/common/options.ts';
import { core } from '../../../functions/app.ts';
import {
  environmentOf,
  localSettings,
  mistypedSettings,
  SECRETS_FILE,
  settingsOfFile,
} from '../../../local/function-settings.ts';
import { functionNamed } from '../../../shared/app/define-app.ts';

const dir = mkdtempSync(join(tmpdir(), 'local-settings-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const video = functionNamed(core, 'processVideo')!;
const ingest = functionNamed(core, 'ingestEvent')!;

test('only variables that the app declares are taken from the shell; given ones take precedence', () => {
  const shell = {
    MOMENT_PROMPT: 'a dog',
    MAX_MOMENTS: '3',
    FLUSH_ROWS: '',
    AWS_SECRET_ACCESS_KEY: 'x',
    // a prefix of declared names
    MAX_MEMORY: '1',
    FRAME_BUFFER: '/dev/fb0',
    // set by the local cloud itself
    RAW_BUCKET: 'somebody-elses',
    STORAGE_API_ENDPOINT: 'http://elsewhere',
  };
  expect(localSettings(core, { given: { MAX_MOMENTS: '2' }, shell })).toEqual({
    MOMENT_PROMPT: 'a dog',
    MAX_MOMENTS: '2',
  });
});

test('one error lists every setting that no function declares or could read', () => {
  const act = () =>
    localSettings(core, {
      given: { MOMENT_PROMT: 'a cat', RAW_BUCKET: 'x', FRAME_FORMAT: 'gif' },
      shell: { MAX_SIDE: 'large', UNRELATED: '1' },
    });
  expect(act).toThrow(Failure);
  expect(act).toThrow(
    'settings: MAX_SIDE must be an integer from 16 to 16384, got "large"; no function has a setting MOMENT_PROMT; ' +
      'did you mean MOMENT_PROMPT?; RAW_BUCKET is set by the deployment; ' +
      'FRAME_FORMAT must be one of png, jpeg, webp, avif, got "gif"',
  );
});

test('a variable of the shell whose name is nearly that of a setting is warned about', () => {
  const shell = {
    MOMENT_PROMT: 'a cat',
    MAX_MOMENTS: '2',
    PATH: '/bin',
    HOME: '/root',
    MAX_FILES: '1',
    MAX_SIDES: '',
    RAW_BUCKET: 'x',
  };
  expect(mistypedSettings(core, shell)).toEqual([
    'MOMENT_PROMT is not a setting of any function; did you mean MOMENT_PROMPT?',
  ]);
});

test('a function gets what it declares, and the variables that locate credentials', () => {
  const settings = { MAX_MOMENTS: '2', FLUSH_ROWS: '10', LOG_LEVEL: 'debug' };
  const shell = { GOOGLE_APPLICATION_CREDENTIALS: '/key.json', CLOUDSDK_CONFIG: '/c', HOME: '/root' };
  const credentials = { GOOGLE_APPLICATION_CREDENTIALS: '/key.json', CLOUDSDK_CONFIG: '/c' };
  const of = (definition: typeof video) => environmentOf(core, definition, { settings, shell });
  expect(of(video)).toEqual({ ...credentials, MAX_MOMENTS: '2', LOG_LEVEL: 'debug' });
  expect(of(ingest)).toEqual({ ...credentials, FLUSH_ROWS: '10', LOG_LEVEL: 'debug' });
});

test('a function gets its own secrets from a file, and a missing one is reported with the file and the line', () => {
  const secretsFile = join(dir, 'secrets.env');
  const of = (...secrets: string[]) =>
    environmentOf(core, { ...ingest, secrets }, { settings: {}, shell: {}, secretsFile });
  expect(of()).toEqual({});
  expect(() => of('MAIL_API_KEY')).toThrow(
    `ingestEvent needs the secret MAIL_API_KEY: add a line MAIL_API_KEY=… to "${secretsFile}"`,
  );
  writeFileSync(secretsFile, '# mine\nMAIL_API_KEY=hunter2\nHOOK=a=b\nEMPTY=\n');
  expect(of('MAIL_API_KEY')).toEqual({ MAIL_API_KEY: 'hunter2' });
  expect(of('HOOK')).toEqual({ HOOK: 'a=b' });
  expect(() => of('EMPTY', 'OTHER')).toThrow('needs the secret EMPTY, OTHER: add a line EMPTY=…');
  writeFileSync(secretsFile, 'hunter2');
  expect(() => of('HOOK')).toThrow(/line 1: a line must be NAME=value/);
  expect(() => of('HOOK')).not.toThrow(/hunter2/);
});

test('an optional secret may be in the file or in the shell', () => {
  const secretsFile = join(dir, 'optional.env');
  const name = 'OTEL_EXPORTER_OTLP_HEADERS';
  const of = (shell: Record<string, string>) =>
    environmentOf(core, ingest, { settings: {}, shell, secretsFile });
  expect(of({})).toEqual({});
  expect(of({ [name]: 'x-key=shell' })).toEqual({ [name]: 'x-key=shell' });
  writeFileSync(secretsFile, `${name}=x-key=file\n`);
  expect(of({ [name]: 'x-key=shell' })).toEqual({ [name]: 'x-key=file' });
  expect(localSettings(core, { given: {}, shell: { [name]: 'x-key=shell' } })).toEqual({});
});

test('Git ignores the file of secrets', () => {
  // exit code 1 if it does not
  expect(execFileSync('git', ['check-ignore', SECRETS_FILE], { encoding: 'utf8' }).trim()).toBe(SECRETS_FILE);
});

test('a named file of settings must exist', () => {
  expect(settingsOfFile(undefined)).toEqual({});
  expect(() => settingsOfFile(join(dir, 'none.env'))).toThrow(
    /--settings must be a file of NAME=value lines/,
  );
});
