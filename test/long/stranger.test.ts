import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Endpoints } from '../../local/cloud.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { changedFiles, copyProject, writeBlocks } from '../helpers/project-copy.ts';

/*
 * A stranger adds a function using only docs/write-a-function.md and its code, in a copy of the project:
 * one folder, and no other file.
 */
let copy: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'stranger-'));
  copyProject(copy);
  const files = writeBlocks('docs/write-a-function.md', copy);
  expect(files).toEqual([
    ...['app', 'definition', 'settings', 'handler'].map((name) => `apps/thumbnails/${name}.ts`),
    ...['app.ts', 'schemas/user.created/1.json', 'handler.ts'].map((name) => `apps/welcome/${name}`),
    ...['app', 'handler'].map((name) => `apps/greeter/${name}.ts`),
  ]);
  const types = run([
    ...[process.execPath, '--import', 'tsx', 'schemas/generate-types.ts'],
    'apps/welcome/schemas',
  ]);
  expect([await types.ended, types.output()]).toEqual([0, 'apps/welcome/schemas/types.ts written\n']);
  const picture = (width: number, height: number) =>
    sharp({
      create: { width, height, channels: 3, background: '#0a0', noise: { type: 'gaussian', sigma: 30 } },
    });
  await picture(64, 48).png().toFile(join(copy, 'small.png'));
  await picture(800, 600).png().toFile(join(copy, 'large.png'));
  writeFileSync(join(copy, 'notes.txt'), 'no image at all');
});
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(copy, { recursive: true, force: true });
});

interface Run {
  child: ChildProcess;
  output(): string;
  ended: Promise<number | string | null>;
}

function run(command: string[], env: Record<string, string> = {}): Run {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: copy,
    env: { PATH: process.env['PATH'] ?? '', HOME: copy, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk;
    });
  }
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal);
    });
  });
  return { child, output: () => text, ended };
}

const start = (app: string, files: string[] = [], env: Record<string, string> = {}): Run =>
  run([process.execPath, 'local/start.js', '--app', app, ...files], env);

const pipeline = async (...args: string[]): Promise<{ code: number | string | null; text: string }> => {
  const { ended, output } = run([process.execPath, 'cli/pipeline.js', ...args]);
  return { code: await ended, text: output() };
};

/** Names of objects in a bucket of the copy's local cloud. */
async function objects(bucket: string): Promise<string[]> {
  const endpoints = JSON.parse(readFileSync(join(copy, '.local/endpoints.json'), 'utf8')) as Endpoints;
  const store = createGcsStorage({ apiEndpoint: endpoints.gcs, projectId: 'local' }).bucket(bucket);
  const names: string[] = [];
  for await (const { name } of store.list()) names.push(name);
  return names;
}

test('the code of the page passes the type check, though an example has an event type of the same name', async () => {
  const signup = readFileSync(join(copy, 'examples/signup/schemas/types.ts'), 'utf8');
  const welcome = readFileSync(join(copy, 'apps/welcome/schemas/types.ts'), 'utf8');
  for (const types of [signup, welcome]) expect(types).toContain("'user.created': UserCreated1;");
  const { ended, output } = run(['npm', 'run', 'typecheck', '--silent'], {
    npm_config_update_notifier: 'false',
  });
  const code = await ended;
  expect([code, output().replaceAll(/^npm warn.*\n/gm, '')]).toEqual([0, '']);
}, 240_000);

test('images become thumbnails; refused ones are replayed after the bound is raised', async () => {
  const strict = start('apps/thumbnails', ['small.png', 'notes.txt', 'large.png'], {
    MAX_IMAGE_BYTES: '50000',
  });
  await expect.poll(strict.output, { timeout: 60_000 }).toMatch(/Ctrl-C ends it/);
  expect(strict.output()).toMatch(/gs:\/\/images\/small\.png {2}stored/);
  expect(strict.output()).toMatch(/makeThumbnail {2}shrunk: thumbnail made/);
  expect(strict.output()).toMatch(
    /makeThumbnail {2}refused: event refused: too-large: image must have at most 50000 bytes, got \d+/,
  );
  // npm start proposes this app's bucket, and no video
  expect(strict.output()).toMatch(/gcloud storage cp FILE gs:\/\/images\//);
  expect(strict.output()).not.toMatch(/video|Vertex/);
  await expect
    .poll(strict.output, { timeout: 30_000 })
    .toMatch(/ {2}npx pipeline dlq show [0-9a-f]{12}[\s\S]*dlq show/);
  expect(await objects('thumbnails')).toEqual([expect.stringMatching(/^small\.png\/\d+\.webp$/)]);
  strict.child.kill('SIGINT');
  expect(await strict.ended).toBe(130);

  const wide = start('apps/thumbnails');
  await expect.poll(wide.output, { timeout: 60_000 }).toMatch(/Ctrl-C ends it/);
  // the command learns from the local cloud which app it runs
  const listed = await pipeline('dlq', 'list', '--json');
  const letters = JSON.parse(listed.text) as { groups: { code: string; group: string }[] };
  const groupOf = (code: string): string => letters.groups.find((one) => one.code === code)?.group ?? '';
  const replayed = await pipeline('dlq', 'replay', groupOf('too-large'), '--wait', '60');
  expect(replayed).toMatchObject({ code: 0, text: expect.stringMatching(/1 .*resolved/) });
  const thumbnails = await objects('thumbnails');
  expect(thumbnails.map((name) => name.split('/')[0])).toEqual(['large.png', 'small.png']);
  const again = await pipeline('dlq', 'replay', groupOf('unsupported-media'), '--wait', '60');
  expect(again).toMatchObject({ code: 1, text: expect.stringMatching(/failed again/) });
  const row = await pipeline('lake', 'query', '--type', 'image.shrunk', '--format', 'jsonl');
  expect(row.text).toMatch(/"type":"image\.shrunk"/);
  wide.child.kill('SIGINT');
  expect(await wide.ended).toBe(130);
}, 120_000);

test("events of a topic are checked against the app's schemas, and each is handled by its type", async () => {
  const welcome = start('apps/welcome');
  await expect.poll(welcome.output, { timeout: 60_000 }).toMatch(/Ctrl-C ends it/);
  const endpoints = JSON.parse(readFileSync(join(copy, '.local/endpoints.json'), 'utf8')) as Endpoints;
  const message = (id: string, data: unknown) => ({
    data: Buffer.from(JSON.stringify(data)).toString('base64'),
    attributes: {
      ...{ 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '//desk', 'ce-type': 'user.created' },
      'ce-traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  });
  const answer = await fetch(`${endpoints.pubsub}/v1/projects/local/topics/users:publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [
        message('u-1', { name: 'Ada' }),
        message('u-2', { name: '' }),
        message('u-3', { name: 'root' }),
      ],
    }),
  });
  expect(answer.status).toBe(200);
  await expect.poll(welcome.output, { timeout: 30_000 }).toMatch(/welcomeUser {2}welcomed: event settled/);
  await expect
    .poll(welcome.output, { timeout: 30_000 })
    .toMatch(
      /welcomeUser {2}refused: event refused: schema-violation: data\/name must NOT have fewer than 1/,
    );
  // a refusal of the app's own, with its own next step
  await expect
    .poll(welcome.output, { timeout: 30_000 })
    .toMatch(
      /welcomeUser {2}refused: event refused: app-reserved-name: name must be none of 2 reserved ones/,
    );
  const letters = async () =>
    JSON.parse((await pipeline('dlq', 'list', '--code', 'app-reserved-name', '--json')).text);
  await expect.poll(letters, { timeout: 30_000 }).toMatchObject({ groups: [{ code: 'app-reserved-name' }] });
  const [{ group }] = (await letters()).groups;
  const shown = await pipeline('dlq', 'show', group);
  expect(shown.text).toMatch(/event +u-3 user\.created|u-3/);
  expect(shown.text).toMatch(
    /have the user choose another name, then discard this one \(npx pipeline dlq replay /,
  );
  // events caused by an event belong to its trace
  const query = () =>
    pipeline('lake', 'query', '--trace-id', '0af7651916cd43dd8448eb211c80319c', '--format', 'jsonl');
  await expect.poll(async () => (await query()).text, { timeout: 30_000 }).toMatch(/Welcome, Ada!/);
  welcome.child.kill('SIGINT');
  await welcome.ended;
}, 120_000);

test('a function that answers requests is served, without authentication here', async () => {
  const greeter = start('apps/greeter');
  await expect.poll(greeter.output, { timeout: 60_000 }).toMatch(/Ctrl-C ends it/);
  const url = /^greet\s+(\S+)$/m.exec(greeter.output())?.[1] ?? '';
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"stranger"}',
  });
  expect([answer.status, await answer.text()]).toEqual([200, '{"hello":{"name":"stranger"}}']);
  expect((await fetch(url)).status).toBe(405);
  greeter.child.kill('SIGINT');
  await greeter.ended;
}, 60_000);

/** A gcloud that answers for an empty project. */
const EMPTY_PROJECT = `#!${process.execPath}
const words = process.argv.slice(2).filter((word) => !word.startsWith('-')).join(' ');
const answer = words === 'version' ? { 'Google Cloud SDK': '528.0.0', alpha: '1', beta: '1' }
  : words.startsWith('projects describe') ? { projectNumber: '12345' }
  : words.startsWith('billing') ? { billingEnabled: true }
  : words.includes('get-iam-policy') ? {} : [];
console.log(words.startsWith('auth') ? 'token' : JSON.stringify(answer));
`;

const dryRun = async (app: string): Promise<string> => {
  writeFileSync(join(copy, 'gcloud'), EMPTY_PROJECT, { mode: 0o755 });
  const where = ['--project', 'demo-project', '--region', 'europe-west1', '--dry-run'];
  const { ended, output } = run(['./deploy.sh', '--app', app, ...where], {
    PATH: `${copy}:${process.env['PATH']}`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER: 'http://127.0.0.1:9/',
  });
  expect(await ended).toBe(0);
  return output();
};

test('a dry run lists its function, buckets, roles and upload, and nothing of the core app', async () => {
  const script = await dryRun('apps/thumbnails');
  expect(script).toMatch(/gcloud storage buckets create gs:\/\/demo-project-thumbnails-images /);
  expect(script).toMatch(
    /buckets create gs:\/\/demo-project-thumbnails-thumbnails .*--soft-delete-duration=0/,
  );
  expect(script).toMatch(
    /functions deploy thumbnails-makethumbnail .*--trigger-event-filters=type=google\.cloud\.storage\.object\.v1\.finalized,bucket=demo-project-thumbnails-images/,
  );
  expect(script).toMatch(
    /functions deploy thumbnails-makethumbnail .*--ignore-file="\$FILES\/[0-9a-f]+\.json"/,
  );
  expect(script).toMatch(
    /functions deploy thumbnails-ingestevent .*--set-build-env-vars=PIPELINE_APP=apps\/thumbnails/,
  );
  const account = 'serviceAccount:thumbnails-makethumbnail@demo-project.iam.gserviceaccount.com';
  expect(script).toContain(
    `gcloud storage buckets add-iam-policy-binding gs://demo-project-thumbnails-thumbnails --project=demo-project --member=${account} --role=roles/storage.objectUser`,
  );
  expect(script).toMatch(
    /roles\/storage\.objectViewer on bucket demo-project-thumbnails-images to .*thumbnails-inspectdeadletter/,
  );
  expect(script).toMatch(/pubsub topics create thumbnails-replay-makethumbnail/);
  expect(script).toMatch(/!\/apps\/thumbnails\n/);
  expect(script).not.toMatch(/processvideo|functions\/video|-raw|RAW_BUCKET|greeter|gemini|aiplatform/i);
});

test('a dry run of a function that answers requests grants the role to its callers, and to nobody else', async () => {
  const script = await dryRun('apps/greeter');
  expect(script).toMatch(
    /functions deploy greeter-greet .*--trigger-http --ingress-settings=all --no-allow-unauthenticated/,
  );
  const invokers = [
    ...script.matchAll(/add-iam-policy-binding greeter-greet .*--member=(\S+) --role=roles\/run\.invoker/g),
  ];
  expect(invokers.map(([, member]) => member)).toEqual([
    'serviceAccount:shop@my-project.iam.gserviceaccount.com',
  ]);
  expect(script).not.toMatch(/greeter-replay-greet\b/);
});

test('no other file of the project was touched', () => {
  expect(changedFiles(copy)).toEqual([]);
});

/** Uploads an image to the core's local cloud, of which one function runs. */
const BESIDE = `import { startLocalCloud } from './local/cloud.ts';
import { uploadFile } from './local/upload.ts';
let shrunk;
const done = new Promise((resolve) => { shrunk = resolve; });
const onFunctionLine = (_name, line) => { if (/"outcome":"shrunk"/.test(line)) shrunk(line); };
const cloud = await startLocalCloud({ dir: 'beside', only: ['makeThumbnail'], events: { onFunctionLine } });
await uploadFile('small.png', { apiEndpoint: cloud.endpoints.gcs, bucket: 'images' });
console.log(await done);
await cloud.close();
`;

test("beside the core, as the page says: two lines of functions/app.ts, and both apps' functions", async () => {
  const page = readFileSync(join(copy, 'docs/write-a-function.md'), 'utf8');
  const [, imported = '', included = ''] = /```\n(import .*)\n…\n(.*)\n```/.exec(page) ?? [];
  const file = join(copy, 'functions/app.ts');
  const before = readFileSync(file, 'utf8');
  const after = `${imported}\n${before.replace('  includes: [services],', included)}`;
  expect(after).toContain('[services, thumbnails]');
  writeFileSync(file, after);
  expect(changedFiles(copy)).toEqual(['functions/app.ts']);

  const script = await dryRun('functions');
  expect(script).toMatch(/functions deploy pipeline-processvideo .*PIPELINE_APP=functions/);
  expect(script).toMatch(/functions deploy pipeline-makethumbnail .*PIPELINE_APP=functions/);
  expect(script).toMatch(/buckets create gs:\/\/demo-project-pipeline-images /);
  expect(script).toMatch(/!\/apps\/thumbnails\n/);
  expect(script).toMatch(/gemini/);

  writeFileSync(join(copy, 'beside.mjs'), BESIDE);
  const { ended, output } = run([process.execPath, '--import', 'tsx', 'beside.mjs']);
  expect(await ended, output()).toBe(0);
  expect(output()).toMatch(/"made":"small\.png\//);
}, 120_000);
