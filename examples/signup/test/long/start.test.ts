import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signup-start-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

function start(...args: string[]) {
  const child = spawn(
    process.execPath,
    ['local/start.js', '--app', 'examples/signup', '--dir', dir, ...args],
    { env: { PATH: process.env['PATH'] ?? '', HOME: dir }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal);
    });
  });
  return { child, output: () => output, ended };
}

test('npm start runs the demo step by step, and --exit ends with its outcome', async () => {
  const { output, ended } = start('--exit');
  expect([await ended, output()]).toEqual([0, expect.anything()]);
  const steps = [
    /createUser +http:\/\/127\.0\.0\.1:\d+\/\n/,
    /\nmail +http:\/\/127\.0\.0\.1:\d+\/ {2}\(the inbox\)/,
    /createUser: 201 \{"userId":"usr-/,
    /sendWelcomeEmail: the mail to ada-\w+@example\.com is in the inbox/,
    /createUser: 409 /,
    /createUser: 400 .*"pointer":"#\/nmae"/,
    /the CRM goes down/,
    /createContact {2}attempt failed: unavailable: CRM answered 503/,
    /createContact: usr-\S+ is in the CRM/,
  ];
  for (const step of steps) expect(output()).toMatch(step);
});

test('Ctrl-C during the demo ends everything, and the next start finds the inbox as it was', async () => {
  const { child, output, ended } = start();
  await expect.poll(output, { timeout: 60_000 }).toMatch(/createUser: 201/);
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(output()).not.toMatch(/demo failed/);

  const again = start();
  await expect.poll(again.output, { timeout: 60_000 }).toMatch(/\(the inbox\)/);
  const url = /^mail +(http:\S+)/m.exec(again.output())![1]!;
  const page = await fetch(url);
  expect(await page.text()).toMatch(/<h2>Welcome<\/h2>/);
  const mails = (await (await fetch(`${url}emails`)).json()) as { to: string[] }[];
  expect(mails.length).toBeGreaterThanOrEqual(2);
  again.child.kill('SIGTERM');
  expect(await again.ended).toBe(143);
});
