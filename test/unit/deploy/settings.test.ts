import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkSettings, readSettings } from '../../../deploy/settings.ts';
import { core } from '../../../functions/app.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import { CORE_DIR } from '../../../shared/app/load-app.ts';
import { url } from '../../../shared/app/settings.ts';

const dir = mkdtempSync(join(tmpdir(), 'deploy-settings-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = (text: string): string => {
  const path = join(dir, 'deploy.env');
  writeFileSync(path, text);
  return path;
};
const loaded = { app: core, dir: CORE_DIR };
const read = (text: string, app = core) =>
  readSettings(file(text), { ...loaded, app }, { GOOGLE_CLOUD_PROJECT: 'p' });

test('settings are lines NAME=value, beside comments and empty lines', () => {
  expect(read('# comment\n\nMOMENT_PROMPT=a cat, = asleep\r\nMAX_MOMENTS=3\n')).toEqual({
    MOMENT_PROMPT: 'a cat, = asleep',
    MAX_MOMENTS: '3',
  });
});

test.each([
  ['not a setting', /line 1: a line must be NAME=value/],
  ['max_moments=3', /line 1: a line must be NAME=value/],
  ['MAX_MOMENTS=3\nRAW_BUCKET=x', /line 2: RAW_BUCKET is set by the deployment/],
  ['GOOGLE_CLOUD_PROJECT=x', /GOOGLE_CLOUD_PROJECT is set by the deployment/],
  ['K_SERVICE=x', /K_SERVICE is set by the deployment/],
  ['STORAGE_API_ENDPOINT=http://x', /STORAGE_API_ENDPOINT is set by local runs only/],
  ['MOMENT_PROMT=a cat', /no function has a setting MOMENT_PROMT; did you mean MOMENT_PROMPT\?/],
  ['OTEL_EXPORTER_OTLP_HEADERS=x-key=1', /OTEL_EXPORTER_OTLP_HEADERS is a secret, not a setting$/],
  ['WEATHER=fine', /no function has a setting WEATHER$/],
  ['MAX_MOMENTS=99', /line 1: MAX_MOMENTS must be an integer from 1 to 20, got "99"/],
  [
    'FRAME_FORMAT=gif\n\nREFINE=stills\nPRELOAD=yes',
    /line 1: FRAME_FORMAT.*\n.*line 4: PRELOAD must be true or/,
  ],
])('%j is refused', (text, told) => {
  expect(() => read(text)).toThrow(told);
});

test('a required setting that is not given is asked for, with the function that needs it', () => {
  const [video, ...others] = core.functions;
  const settings = { ...video!.settings, CRM_URL: url({ doc: 'CRM' }) };
  const app = defineApp({ ...core, functions: [{ ...video!, settings }, ...others] });
  const missing =
    'CRM_URL must be an http or https URL, for processVideo\nwrite NAME=value lines into a file';
  expect(() => checkSettings({ app, settings: read('MAX_MOMENTS=3', app) })).toThrow(missing);
  checkSettings({ app, settings: read('CRM_URL=https://crm.example.com', app) });
  checkSettings({ app: core, settings: {} });
});

test('a secret is refused, and neither it nor an invalid line is shown', () => {
  const [video, ...others] = core.functions;
  const app = defineApp({ ...core, functions: [{ ...video!, secrets: ['MAIL_API_KEY'] }, ...others] });
  const message = (text: string): string => {
    try {
      read(text, app);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(message('MAIL_API_KEY=hunter2')).toMatch(/line 1: MAIL_API_KEY is a secret, not a setting$/);
  expect(message('hunter2')).toMatch(/line 1: a line must be NAME=value/);
  expect(message('hunter2') + message('MAIL_API_KEY=hunter2')).not.toContain('hunter2');
});

test('without a file there are no settings; a named file must exist', () => {
  expect(readSettings(undefined, loaded, {}, `${dir}/nowhere`)).toEqual({});
  expect(() => readSettings(join(dir, 'none'), loaded, {})).toThrow(
    /--settings must be a file .* cannot be read/,
  );
});

test('the core has its settings in the folder of the project, any other app in its own', () => {
  file('MAX_MOMENTS=2');
  mkdirSync(join(dir, 'apps/thumbnails'), { recursive: true });
  writeFileSync(join(dir, 'apps/thumbnails/deploy.env'), 'MAX_MOMENTS=3');
  expect(readSettings(undefined, loaded, {}, dir)).toEqual({ MAX_MOMENTS: '2' });
  expect(readSettings(undefined, { app: core, dir: 'apps/thumbnails' }, {}, dir)).toEqual({
    MAX_MOMENTS: '3',
  });
  expect(readSettings(undefined, { app: core, dir: 'apps/other' }, {}, dir)).toEqual({});
});
