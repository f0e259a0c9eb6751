import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliEnvironment } from '../../deploy/env.ts';
import { Names } from '../../deploy/names.ts';
import { parseOptions } from '../../deploy/options.ts';
import { core } from '../../functions/app.ts';
import { CORE_DIR } from '../../shared/app/load-app.ts';
import { withOptional } from '../../shared/app/optional.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const names = new Names({
  project: 'your-project',
  projectNumber: '1',
  region: 'us-central1',
  prefix: 'pipeline',
});

let dir: string;
let nothing: Server;
let url: string;
/** Every call in the pages' shell blocks, in the order of the text. */
let calls: { document: string; program: string; args: string[] }[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'docs-commands-'));
  nothing = createServer((request, response) => {
    request.resume();
    const error = { code: 404, message: 'not here', status: 'NOT_FOUND', errors: [{ reason: 'notFound' }] };
    response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
  });
  await new Promise<void>((resolve) => nothing.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(nothing.address() as AddressInfo).port}`;
  calls = await called();
});
afterAll(async () => {
  nothing.close();
  await rm(dir, { recursive: true, force: true });
});

/** Shell blocks, and the pipeline commands of a transcript, which follow a prompt. */
function scriptOf(text: string): string {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block);
  const typed = [...text.matchAll(/^\$ (npx pipeline .*)$/gm)].map(([, command]) => command);
  return [...blocks, ...typed].join('\n');
}

/** Runs each page's script in a real shell whose programs only record how they were called. */
async function called(): Promise<typeof calls> {
  const note = `#!/usr/bin/env bash\n{ printf '%s\\0' "\${0##*/}" "$@"; printf '\\n\\0'; } >> "$CALLS"\n`;
  for (const program of ['gcloud', 'bq', 'npx', 'npm', 'node', 'git', 'ffmpeg', 'terraform', 'deploy.sh']) {
    await writeFile(join(dir, program), note);
    await chmod(join(dir, program), 0o755);
  }
  const found: typeof calls = [];
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    ...(await readdir(join(root, 'docs')))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  for (const document of documents) {
    const script = scriptOf(await readFile(join(root, document), 'utf8'));
    const env = {
      PATH: `${dir}:${process.env['PATH']}`,
      CALLS: join(dir, `${document.replace('/', '-')}.calls`),
      REPOSITORY: 'owner/name',
    };
    const exported = cliEnvironment(names, { app: withOptional(core), dir: CORE_DIR }).join('\n');
    await writeFile(env.CALLS, '');
    await run('bash', ['-uc', `${exported}\n${script}`], { cwd: dir, env });
    for (const call of (await readFile(env.CALLS, 'utf8')).split('\n\0')) {
      const [program, ...args] = call.split('\0').slice(0, -1);
      if (program !== undefined) found.push({ document, program, args });
    }
  }
  return found;
}

const of = (program: string): typeof calls => calls.filter((call) => call.program === program);

test('deploy.sh accepts every line as written', () => {
  expect(of('deploy.sh').length).toBeGreaterThan(2);
  for (const { args } of of('deploy.sh')) {
    const filled = args.map((arg) => (arg === 'PROJECT' ? 'your-project' : arg));
    expect(() => parseOptions(filled, {}, core)).not.toThrow();
  }
});

test('the pipeline command accepts every line as written', async () => {
  const typed = of('npx').map(({ args }) => args);
  const commands = [
    ...new Map(
      typed.filter(([program]) => program === 'pipeline').map((args) => [args.join(' '), args]),
    ).values(),
  ];
  expect(commands.length).toBeGreaterThan(20);
  const env = { ...process.env, ...exportedNames(), METADATA_SERVER_DETECTION: 'none' };
  // All at once: each waits for a service that is not running.
  const wrong = await Promise.all(
    commands.map(async ([, ...args]) => {
      // placeholders for ids
      const command = args.map(
        (arg) => ({ LETTER: 'ab12cd34', GROUP: 'ab12cd34', MESSAGE: '1795278091838002' })[arg] ?? arg,
      );
      // its files are the reader's own; options are parsed before the help is printed
      if (command[0] === 'process') command.push('--help');
      // it prints its address, and serves until it is told to end
      const serves = command[0] === 'console';
      const running = run(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...command], {
        cwd: root,
        env: { ...env, GOOGLE_APPLICATION_CREDENTIALS: join(dir, 'none.json') },
      });
      if (serves) running.child.stdout?.once('data', () => running.child.kill('SIGINT'));
      const { code, stderr } = await running.then(
        () => ({ code: 0, stderr: '' }),
        (error: { code: number; stderr: string }) => error,
      );
      // 1: no service answered; 2: the command line was not understood
      return code === 0 || code === 1 || (serves && code === 130)
        ? []
        : [`pipeline ${args.join(' ')}: ${stderr}`];
    }),
  );
  expect(wrong.flat()).toEqual([]);
});

test('gcloud knows every command and flag', async ({ skip }) => {
  const here = await run('gcloud', ['--version']).then(
    () => true,
    () => false,
  );
  if (!here) {
    process.stdout.write('not run: gcloud over the commands of the pages: gcloud is not installed\n');
    return skip('gcloud is not installed');
  }
  const services = {
    cloudfunctions: '',
    cloudresourcemanager: '',
    dataproc: '',
    eventarc: '',
    iam: '',
    logging: '',
    pubsub: '',
    run: '',
    secretmanager: '',
    serviceusage: '',
    storage: 'storage/v1/',
  };
  const env = {
    ...process.env,
    CLOUDSDK_CONFIG: join(dir, 'config'),
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    CLOUDSDK_CORE_PROJECT: 'your-project',
    ...Object.fromEntries(
      Object.entries(services).map(([service, path]) => [
        `CLOUDSDK_API_ENDPOINT_OVERRIDES_${service.toUpperCase()}`,
        `${url}/${path}`,
      ]),
    ),
  };
  // one of the commands that differ only in a value
  const different = new Map(
    of('gcloud').map(({ args }) => [args.join(' ').replaceAll(/=\S+|"[^"]*"/g, ''), args]),
  );
  const wrong: string[] = [];
  for (const args of different.values()) {
    // this would open a browser and wait
    if (args[0] === 'auth') continue;
    const running = run('gcloud', args, { env, cwd: dir, timeout: 60_000 });
    running.child.stdin?.end();
    const { code, stderr } = await running.then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number | null; stderr: string }) => error,
    );
    if (code !== 0 && code !== 1) wrong.push(`gcloud ${args.join(' ')}: ${code}: ${stderr}`);
  }
  expect(wrong).toEqual([]);
  process.stdout.write(`pages: ${different.size} commands understood by gcloud\n`);
});

function exportedNames(): Record<string, string> {
  const lines = cliEnvironment(names, { app: withOptional(core), dir: CORE_DIR }).map(
    (line) => /^export (\w+)=(.*)$/.exec(line) ?? [],
  );
  return Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]));
}
