import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FULL } from '../../../test/helpers/full-form.ts';
import { type Home, makeHome, type PostOptions, type Scene, startScene } from './scene.ts';

/*
 * The real functions over HTTP on a local cloud. In full, a first scene runs without the consumers, so that they are
 * added later in the second.
 */
let home: Home;
let scene: Scene;
const EARLY = ['ada', 'bob', 'cleo'].map((name) => ({ email: `${name}@early.example`, name }));

beforeAll(async () => {
  home = await makeHome();
  if (FULL) await signUpBeforeConsumers();
  scene = await startScene(home);
});
afterAll(async () => {
  await scene?.close();
  await home?.remove();
});

async function signUpBeforeConsumers(): Promise<void> {
  scene = await startScene(home, ['createUser', 'ingestUserEvents']);
  for (const user of EARLY) expect((await scene.post(user)).status).toBe(201);
  const stored = () => scene.outcomes('ingestUserEvents', 'ingested').map(({ count }) => Number(count));
  await vi.waitFor(() => expect(stored().reduce((sum, count) => sum + count, 0)).toBe(EARLY.length), 30_000);
  await scene.close();
}

let made = 0;
const newUser = (name = 'Ada Lovelace') => ({ email: `user-${++made}@signup.example`, name });
const mailsTo = (email: string) => scene.mail.mails.filter(({ to }) => to.includes(email));
const rowsOf = async (userId: string) => (await scene.signups()).filter((row) => row['user_id'] === userId);

/** All three consumers have handled the event. */
async function settled(userId: string, email: string): Promise<void> {
  await expect.poll(() => mailsTo(email).length).toBe(1);
  await expect.poll(() => scene.crm.contacts.get(userId)?.email).toBe(email);
  await expect.poll(async () => (await rowsOf(userId)).length).toBe(1);
}

test.runIf(FULL)(
  'a consumer added later catches up by replay from the lake, and nobody else hears of it',
  async () => {
    expect(scene.crm.puts).toEqual([]);
    const ran = await scene.pipeline(
      'lake',
      'replay',
      '--type',
      'user.created',
      '--topic',
      'replay-createcontact',
    );
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^3 events of 3 published/) });
    await expect
      .poll(() => [...scene.crm.contacts.values()].map(({ email }) => email).sort())
      .toEqual(EARLY.map(({ email }) => email));
    expect(scene.mail.requests()).toBe(0);
    expect(await scene.signups()).toEqual([]);
  },
);

test('a user signs up: one mail, one row, one contact, one event in the lake', async () => {
  const user = newUser();
  const { status, json, headers } = await scene.post(user);
  expect([status, json, headers.get('content-type')]).toEqual([
    201,
    { userId: expect.stringMatching(/^usr-[0-9a-f-]{36}$/), ...user },
    'application/json',
  ]);
  const userId = String(json['userId']);
  await settled(userId, user.email);
  const [mail] = mailsTo(user.email);
  expect(mail).toMatchObject({ subject: 'Welcome', text: expect.stringMatching(/^Welcome, Ada Lovelace!/) });
  const [row] = await rowsOf(userId);
  const found = await scene.pipeline('lake', 'query', '--id', String(row?.['event_id']), '--format', 'jsonl');
  expect(JSON.parse(found.stdout)).toMatchObject({
    type: 'user.created',
    source: '/createUser',
    subject: `users/${userId}`,
    data: JSON.stringify({ userId, ...user }),
  });
  const table = await scene.pipeline(
    'lake',
    'query',
    '--table',
    'gs://lake/tables/signups',
    '--format',
    'jsonl',
  );
  expect(table.stdout.split('\n').find((line) => line.includes(userId))).toBeDefined();
  // nothing is left to do
  expect((await scene.names('users')).filter((name) => name.startsWith('outbox/'))).toEqual([]);
});

test('the event published by hand as plain JSON reaches all three, too; ten deliveries send one mail', async () => {
  const event = { userId: 'by-hand', email: 'hand@signup.example', name: 'Hand', event: 'user.created' };
  for (let n = 0; n < 10; n++) await scene.publish(JSON.stringify(event));
  await settled(event.userId, event.email);
  const cloudEvent = { specversion: '1.0', id: 'ce-1', source: '//desk', type: 'user.created' };
  const data = { userId: 'by-event', email: 'event@signup.example', name: 'Event' };
  const attributes = { 'content-type': 'application/cloudevents+json' };
  for (let n = 0; n < 10; n++) await scene.publish(JSON.stringify({ ...cloudEvent, data }), attributes);
  await settled(data.userId, data.email);
  const mailed = () => scene.outcomes('sendWelcomeEmail', 'mailed').length;
  await expect.poll(mailed).toBeGreaterThanOrEqual(20);
  expect([mailsTo(event.email).length, mailsTo(data.email).length]).toEqual([1, 1]);
});

type Wrong = [name: string, body: unknown, options: PostOptions, status: number, said: RegExp];
const wrong: Wrong[] = [
  ['another path', newUser(), { path: 'user' }, 404, /users are at \/users/],
  ['another method', undefined, { method: 'GET' }, 405, /POST creates a user/],
  ['a method that changes', newUser(), { method: 'PUT' }, 405, /POST creates a user/],
  ['no JSON', '{"email":', {}, 400, /must be JSON/],
  ['no body', '', {}, 400, /got 0 bytes/],
  ['faults', { email: 'ada', age: 7 }, {}, 400, /#\/email.*#\/name.*#\/age/],
  ['half a surrogate pair', '{"email":"a@b.example","name":"\\ud800"}', {}, 400, /half of a surrogate pair/],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), {}, 400, /not UTF-8/],
  [
    'a form',
    'email=a',
    { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    /application\/json/,
  ],
  ['a compressed body', newUser(), { headers: { 'content-encoding': 'gzip' } }, 415, /Unsupported/],
  ['a large body', `"${'x'.repeat(10_000)}"`, {}, 413, /at most 10000 bytes, got 10002/],
  ['an empty key', newUser(), { key: '' }, 400, /idempotency-key must be 1 to 255/],
  ['a key with a space', newUser(), { key: 'a b' }, 400, /idempotency-key must be 1 to 255/],
  ['a long key', newUser(), { key: 'k'.repeat(256) }, 400, /idempotency-key must be 1 to 255/],
];

test.each(wrong)(
  '%s is answered with a problem, and creates nobody',
  async (_name, body, options, status, said) => {
    const before = (await scene.names('users')).length;
    const answer = await scene.post(body, options);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    expect(answer.text).toMatch(said);
    expect(answer.json).toMatchObject({ status, title: expect.any(String) });
    expect((await scene.names('users')).length).toBe(before);
  },
);

describe('idempotency', () => {
  test('the same key with the same body gets the same answer, byte for byte', async () => {
    const user = newUser();
    const first = await scene.post(user, { key: 'k-same' });
    const again = await scene.post({ name: user.name, email: user.email }, { key: 'k-same' });
    expect([again.status, again.text]).toEqual([201, first.text]);
    const refused = await scene.post(user, { key: 'k-other' });
    expect(refused.status).toBe(409);
    expect((await scene.post(user, { key: 'k-other' })).text).toBe(refused.text);
    await settled(String(first.json['userId']), user.email);
  });

  test('the same key with another body is refused', async () => {
    const user = newUser();
    await scene.post(user, { key: 'k-reused' });
    const { status, json } = await scene.post({ ...user, name: 'Another' }, { key: 'k-reused' });
    expect([status, json['detail']]).toEqual([422, 'idempotency-key must be new for another body']);
  });

  test('while the first request is in progress, a second one is told when to come again', async () => {
    const user = newUser();
    scene.cloud.gcs.faults.add({ action: { kind: 'delay', ms: 1_500 }, bucket: 'users', name: 'outbox/' });
    const first = scene.post(user, { key: 'k-flight' });
    await expect
      .poll(async () => (await scene.names('users')).filter((name) => name.startsWith('requests/')).length)
      .toBeGreaterThan(3);
    const second = await scene.post(user, { key: 'k-flight' });
    expect(second.status).toBe(409);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await first).status).toBe(201);
    expect((await scene.post(user, { key: 'k-flight' })).text).toBe((await first).text);
  });

  test('twenty requests for one address at once create one user', async () => {
    const user = newUser();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        scene.post({ ...user, email: n % 2 ? user.email : user.email.toUpperCase() }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
    await expect.poll(() => mailsTo(user.email).length + mailsTo(user.email.toUpperCase()).length).toBe(1);
  });
});

test('while the CRM is down, mails and rows come as ever; when it is back, it gets every contact', async () => {
  await fetch(`${scene.crm.url}/outage`, { method: 'POST' });
  const users = Array.from({ length: 5 }, () => newUser());
  const ids = await Promise.all(users.map(async (user) => String((await scene.post(user)).json['userId'])));
  for (const [n, { email }] of users.entries()) {
    await expect.poll(() => mailsTo(email).length).toBe(1);
    await expect.poll(async () => (await rowsOf(ids[n]!)).length).toBe(1);
  }
  const failed = () =>
    scene.logs.filter((one) => one['function'] === 'createContact' && one['code'] === 'unavailable');
  await expect.poll(() => failed().length).toBeGreaterThan(4);
  expect(ids.filter((id) => scene.crm.contacts.has(id))).toEqual([]);
  await fetch(`${scene.crm.url}/outage`, { method: 'DELETE' });
  // the circuit breaker of a process opens for half a minute: a new process has a new one
  process.kill(pidOf('createContact'), 'SIGKILL');
  for (const id of ids) await expect.poll(() => scene.crm.contacts.has(id), { timeout: 60_000 }).toBe(true);
  expect(scene.outcomes('createContact', 'refused')).toEqual([]);
});

test.runIf(FULL)(
  'a poison event dies in one consumer alone, and its replay reaches that one alone',
  async () => {
    const user = newUser('Poison');
    const userId = String((await scene.post(user)).json['userId']);
    await expect.poll(() => mailsTo(user.email).length).toBe(1);
    await expect.poll(async () => (await rowsOf(userId)).length).toBe(1);
    const list = async () =>
      JSON.parse((await scene.pipeline('dlq', 'list', '--code', 'app-contact-refused', '--json')).stdout) as {
        groups: { group: string; function: string; letters: number }[];
      };
    await expect
      .poll(async () => (await list()).groups.map((one) => one.function))
      .toEqual(['createContact']);
    const [{ group } = { group: '' }] = (await list()).groups;
    const shown = await scene.pipeline('dlq', 'show', group);
    expect(shown.stdout).toMatch(/CRM must accept the contact, got 422/);
    expect(shown.stdout).toMatch(/find out from the CRM what it does not accept/);

    scene.crm.acceptAll();
    const before = { mails: scene.mail.requests(), added: (await scene.signups()).length };
    const delivered = scene.outcomes('trackSignup', 'duplicate').length;
    const replayed = await scene.pipeline('dlq', 'replay', group, '--wait', '60');
    expect(replayed).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 .*resolved/) });
    expect(scene.crm.contacts.get(userId)?.name).toBe('Poison');
    expect({ mails: scene.mail.requests(), added: (await scene.signups()).length }).toEqual(before);
    expect(scene.outcomes('trackSignup', 'duplicate').length).toBe(delivered);
  },
);

describe('no event is lost', () => {
  const tick = () => scene.publish('{}', {}, 'relay-users');
  const pending = async () => (await scene.names('users')).filter((name) => name.startsWith('outbox/'));

  test('createUser is killed between its record and its publish: the relay publishes, and a retry gets 201', async () => {
    const user = newUser();
    const { faults } = scene.cloud.pubsub!;
    faults.add({
      action: { kind: 'delay', ms: 60_000 },
      operations: ['publish'],
      name: 'user-events',
      times: -1,
    });
    const request = scene.post(user, { key: 'k-killed' }).catch((error: Error) => error);
    await expect.poll(() => faults.list()[0]?.met).toBe(1);
    process.kill(pidOf('createUser'), 'SIGKILL');
    expect(await request).toBeInstanceOf(Error);
    scene.cloud.pubsub!.faults.clear();
    expect(await pending()).toHaveLength(1);
    expect(mailsTo(user.email)).toEqual([]);

    await tick();
    await expect.poll(pending).toEqual([]);
    await expect.poll(() => scene.post(user, { key: 'k-killed' }).then(({ status }) => status)).toBe(201);
    const { json } = await scene.post(user, { key: 'k-killed' });
    await settled(String(json['userId']), user.email);
  });

  test('Pub/Sub is down: the answer is 201, and the relay publishes later; twice published is one event', async () => {
    scene.cloud.pubsub!.faults.add({
      // Pub/Sub takes the message, but its answer is lost
      action: { kind: 'applied-status', status: 503 },
      operations: ['publish'],
      name: 'user-events',
      times: -1,
    });
    const user = newUser();
    const { status, json } = await scene.post(user);
    expect(status).toBe(201);
    expect(await pending()).toHaveLength(1);
    scene.cloud.pubsub!.faults.clear();
    await tick();
    await expect.poll(pending).toEqual([]);
    const userId = String(json['userId']);
    await settled(userId, user.email);
    // the copies are the same event for everyone
    await expect.poll(() => scene.outcomes('trackSignup', 'duplicate').length).toBeGreaterThan(0);
    expect(mailsTo(user.email)).toHaveLength(1);
  });
});

const pidOf = (name: string): number => {
  const url = scene.cloud.endpoints.functions[name];
  return scene.cloud.processes.find((one) => one.url === url)!.pid()!;
};
