import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { Failure } from '../../../cli/common/options.ts';
import { startServices } from '../../../local/app-services.ts';
import type { LocalCloud } from '../../../local/cloud.ts';
import { runDemo } from '../../../local/demo.ts';
import { environmentOf } from '../../../local/function-settings.ts';
import { type Demo, type LocalServices, loadHook } from '../../../local/hook.ts';
import { defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { text, url } from '../../../shared/app/settings.ts';
import { http } from '../../../shared/app/trigger.ts';

// inside the project, so that its TypeScript is compiled
const cache = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));
mkdirSync(cache, { recursive: true });
const root = mkdtempSync(`${cache}hook-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
/** Folder of a new app whose `local.ts` has this content. */
function appWith(content: string): string {
  const dir = `app-${++made}`;
  mkdirSync(join(root, dir));
  writeFileSync(join(root, dir, 'local.ts'), content);
  return dir;
}

test('an app without local.ts has no local services and no demo', async () => {
  mkdirSync(join(root, 'bare'));
  expect(await loadHook('bare', root)).toEqual({});
});

test('local.ts gives services and a demo', async () => {
  const dir = appWith('export const services = { async mail() {} };\nexport async function demo() {}\n');
  const { services, demo } = await loadHook(dir, root);
  expect(Object.keys(services ?? {})).toEqual(['mail']);
  expect(demo).toBeTypeOf('function');
});

test.each([
  ['', 'it must export services, demo or both, got nothing'],
  ['export const service = {};', 'it must export services and demo only, got service'],
  ['export const services = [];', 'services must be an object, got an array'],
  [
    'export const services = { mail: 1 };',
    'services.mail must be a function that starts it, got a value of type number',
  ],
  [
    "export const services = { '../mail': async () => {} };",
    'names of services must be at most 40 lower-case letters, digits and dashes, got "../mail"',
  ],
  ['export const demo = {};', 'demo must be a function, got a value of type object'],
])('a bad local.ts is named with its mistake: %s', async (content, mistake) => {
  const dir = appWith(content);
  const loading = loadHook(dir, root);
  await expect(loading).rejects.toThrow(Failure);
  await expect(loading).rejects.toThrow(`${dir}/local.ts: ${mistake}`);
});

test('a local.ts that throws while it is loaded is named in one line', async () => {
  const dir = appWith("throw new Error('no such mail\\nsecond line');");
  await expect(loadHook(dir, root)).rejects.toThrow(
    new Failure(`${dir}/local.ts cannot be loaded: no such mail`),
  );
});

const app = defineApp({
  name: 'desk',
  functions: [
    defineFunction({
      name: 'answer',
      trigger: http({ callers: 'all' }),
      instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
      roles: [],
      settings: { MAIL_URL: url({ doc: 'mail' }), MAIL_FROM: text({ doc: 'sender', default: 'a@b' }) },
      secrets: ['DATABASE_URL'],
      load: async () => ({ serve: async () => {} }),
    }),
  ],
});
const [answer] = app.functions;
const nothing = async (): Promise<void> => {};

test('services start in order, each in its private folder, see what was given before, and close in the opposite order', async () => {
  const seen: string[] = [];
  const services: LocalServices = {
    async database({ dir }) {
      seen.push(`database ${statSync(dir).mode & 0o777}`);
      return {
        env: { DATABASE_URL: 'postgres://here' },
        shown: 'here',
        close: async () => void seen.push('database closed'),
      };
    },
    async mail({ dir, settings }) {
      expect(dir).toBe(join(root, 'cloud', 'services', 'mail'));
      seen.push(`mail beside ${settings['DATABASE_URL']}`);
      return {
        env: { MAIL_URL: 'http://mail' },
        shown: 'http://mail',
        close: async () => void seen.push('mail closed'),
      };
    },
    async crm({ settings }) {
      seen.push(`crm with ${settings['MAIL_FROM']}`);
      return undefined;
    },
  };
  const dir = join(root, 'cloud');
  const started = await startServices(services, { app, dir, given: { MAIL_FROM: 'me@here' } });
  expect(Object.keys(started.byName)).toEqual(['database', 'mail']);
  await started.close();
  expect(seen).toEqual([
    'database 448',
    'mail beside postgres://here',
    'crm with me@here',
    'mail closed',
    'database closed',
  ]);
  // functions get the settings and the secrets, unless the operator gave them
  const file = { secretsFile: join(root, 'no-such-file') };
  const environment = environmentOf(app, answer!, {
    settings: {},
    shell: {},
    provided: started.env,
    ...file,
  });
  expect(environment).toEqual({ MAIL_URL: 'http://mail', DATABASE_URL: 'postgres://here' });
  const secrets = join(root, 'secrets.env');
  writeFileSync(secrets, 'DATABASE_URL=postgres://real\n');
  expect(
    environmentOf(app, answer!, {
      settings: { MAIL_URL: 'https://real' },
      shell: {},
      provided: started.env,
      secretsFile: secrets,
    }),
  ).toEqual({ MAIL_URL: 'https://real', DATABASE_URL: 'postgres://real' });
});

test.each<[string, LocalServices[string], string]>([
  [
    'that gives a setting nobody declares',
    async () => ({ env: { MAIL_URI: 'http://x' }, shown: '', close: nothing }),
    'local service bad: no function declares MAIL_URI; did you mean MAIL_URL?',
  ],
  [
    'whose setting is not valid',
    async () => ({ env: { MAIL_URL: 'x' }, shown: '', close: nothing }),
    'local service bad: MAIL_URL must be an http or https URL, got "x"',
  ],
  [
    'that cannot start',
    async () => {
      throw new Error('port 1 is taken');
    },
    'local service bad: port 1 is taken',
  ],
])('a service %s is named, and those before it are closed', async (_name, bad, message) => {
  let closed = 0;
  const first = async () => ({ env: {}, shown: '', close: async () => void closed++ });
  const starting = startServices({ first, bad }, { app, dir: join(root, 'faulty'), given: {} });
  await expect(starting).rejects.toThrow(new Failure(message));
  expect(closed).toBe(1);
  expect(existsSync(join(root, 'faulty', 'services', 'first'))).toBe(true);
});

async function runHere(demo: Demo, signal = new AbortController().signal) {
  const lines: string[] = [];
  const cloud = { endpoints: { pubsub: 'http://127.0.0.1:1' }, services: {} } as unknown as LocalCloud;
  const print = (line: string): void => void lines.push(line.replace(/^ *\d+\.\d\d s {2}/, ''));
  const isGood = await runDemo(demo, cloud, { print, complain: print, signal });
  return { isGood, lines };
}

test('a demo waits for what it names, and prints it when it happens', async () => {
  let calls = 0;
  const ran = await runHere(async ({ print, until }) => {
    const value = await until('the mail is there', () => (++calls < 3 ? undefined : 'mail'));
    print(`got ${value}`);
  });
  expect(ran).toEqual({ isGood: true, lines: ['the mail is there', 'got mail'] });
});

test('a demo that waits in vain or throws has failed, and says why in one line', async () => {
  const late = await runHere(async ({ until }) => void (await until('the mail is there', () => false, 60)));
  expect(late).toEqual({ isGood: false, lines: ['demo failed: not within 60 ms: the mail is there'] });
  const thrown = await runHere(() => Promise.reject(new Error('no\nmail')));
  expect(thrown).toEqual({ isGood: false, lines: ['demo failed: no\ufffdmail'] });
});

test('a demo ends with the local cloud, without a complaint', async () => {
  const ending = new AbortController();
  const ran = await runHere(async ({ until }) => {
    await until('never', () => {
      ending.abort();
      return false;
    });
  }, ending.signal);
  expect(ran).toEqual({ isGood: false, lines: [] });
});
