import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalCloudOptions, startLocalCloud } from '../../local/cloud.ts';
import { type LoadedApp, loadApp } from '../../shared/app/load-app.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * An app that only answers requests, without the services. An app must be inside the project; Git and the linter
 * ignore this folder.
 */
const FILES = {
  'settings.ts': `
    import { type Env, integer, oneOf, readSettings, secretSettings } from '../../shared/app/settings.ts';
    export const settings = {
      TONE: oneOf(['warm', 'cold'], { default: 'cold', doc: 'how it greets' }),
      TIMES: integer({ min: 1, max: 5, default: 2, doc: 'how often' }),
    };
    export const secrets = ['GREETING_KEY'] as const;
    export const parse = (env: Env) => readSettings({ ...settings, ...secretSettings(secrets) }, env);`,
  'handler.ts': `
    import { parse } from './settings.ts';
    export async function serve(_request, response) {
      const { OTHER_KEY, UNRELATED } = process.env;
      response.end(JSON.stringify({ ...parse(process.env), OTHER_KEY, UNRELATED }));
    }`,
  'app.ts': `
    import { defineApp } from '../../shared/app/define-app.ts';
    import { defineFunction } from '../../shared/app/define-function.ts';
    import { http } from '../../shared/app/trigger.ts';
    import { secrets, settings } from './settings.ts';
    const instance = { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 };
    const greet = defineFunction({
      name: 'greet', trigger: http({ callers: 'all' }), instance, roles: [], settings, secrets,
      load: () => import('./handler.ts'),
    });
    export default defineApp({ name: 'greeting', functions: [greet] });`,
};

let dir: string;
let app: LoadedApp;
beforeAll(async () => {
  await mkdir(join(root, 'dist'), { recursive: true });
  dir = await mkdtemp(join(root, 'dist/app-'));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(dir, name), text);
  app = await loadApp(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const start = (options: Partial<LocalCloudOptions>) =>
  startLocalCloud({
    app,
    dir: join(dir, 'cloud'),
    secretsFile: join(dir, 'secrets.env'),
    only: ['greet'],
    ...options,
  });

test('a running function has the settings and secrets that it declares, and no others', async () => {
  await writeFile(join(dir, 'secrets.env'), 'GREETING_KEY=hunter2\nOTHER_KEY=x\n');
  const cloud = await start({ env: { TIMES: '3' }, shell: { TONE: 'warm', TIMES: '1', UNRELATED: 'x' } });
  try {
    const answer = await fetch(cloud.endpoints.functions['greet']!);
    expect(await answer.json()).toEqual({ TONE: 'warm', TIMES: 3, GREETING_KEY: 'hunter2' });
  } finally {
    await cloud.close();
    await rm(join(dir, 'cloud'), { recursive: true });
  }
});

test('without its secret, or with a setting of another app, nothing starts', async () => {
  await expect(start({ env: { MOMENT_PROMPT: 'a cat' } })).rejects.toThrow(
    'settings: no function has a setting MOMENT_PROMPT',
  );
  await writeFile(join(dir, 'secrets.env'), 'OTHER_KEY=x\n');
  await expect(start({})).rejects.toThrow('greet needs the secret GREETING_KEY: add a line GREETING_KEY=…');
  expect(existsSync(join(dir, 'cloud'))).toBe(false);
});
