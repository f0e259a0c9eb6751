import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLocalCloud } from '../../../local/cloud.ts';
import { loadHook } from '../../../local/hook.ts';
import { loadApp } from '../../../shared/app/load-app.ts';
import { startMailServer } from '../local/mail-server.ts';

const EXAMPLE = 'examples/signup';
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signup-local-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('npm start finds its services and its demo', async () => {
  const { services, demo } = await loadHook(EXAMPLE);
  expect(Object.keys(services ?? {})).toEqual(['mail', 'crm']);
  expect(demo).toBeTypeOf('function');
});

test('without them, the local cloud says which setting is missing, and for which function', async () => {
  const starting = startLocalCloud({ app: await loadApp(EXAMPLE), dir: join(dir, 'cloud'), shell: {} });
  await expect(starting).rejects.toThrow('settings: CRM_URL must be an http or https URL, for createContact');
});

test('the mail server knows a key after a restart, refuses another body for it, and shows mails as text', async () => {
  const inbox = { dir: join(dir, 'mail'), apiKey: 'k' };
  let server = await startMailServer(inbox);
  const send = async (fields: Record<string, unknown>, apiKey = 'k') => {
    const response = await fetch(`${server.url}/emails`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': '1' },
      body: JSON.stringify({ from: 'me', to: ['you'], subject: '<b>Hi</b>', text: 'x', ...fields }),
    });
    return { status: response.status, body: (await response.json()) as { id?: string } };
  };
  expect((await send({}, 'other')).status).toBe(401);
  expect((await send({ to: 'you' })).status).toBe(422);
  const first = await send({});
  await server.close();
  server = await startMailServer(inbox);
  expect(await send({})).toEqual(first);
  expect((await send({ text: 'y' })).status).toBe(409);
  expect(server.mails).toHaveLength(1);
  const page = await (await fetch(server.url)).text();
  expect(page).toContain('<h2>&lt;b&gt;Hi&lt;/b&gt;</h2>');
  await server.close();
});
