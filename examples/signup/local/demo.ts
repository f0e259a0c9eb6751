import { randomUUID } from 'node:crypto';
import type { Demo, DemoContext } from '../../../local/hook.ts';
import type { Contact } from './crm-server.ts';
import type { ReceivedMail } from './mail-server.ts';
import { readSignups } from './signups.ts';

interface Created {
  userId: string;
  email: string;
}

/** Signs up two users: one while everything is up, one while the CRM is down. */
export const demo: Demo = async (context) => {
  const { print, services } = context;
  const mailUrl = services['mail']?.env['MAIL_URL'];
  const crmUrl = services['crm']?.env['CRM_URL'];
  if (mailUrl === undefined || crmUrl === undefined) {
    throw new Error('the demo needs the local mail server and CRM: leave MAIL_URL and CRM_URL unset');
  }
  const places = { mailUrl, crmUrl };
  const ada = { email: `ada-${randomUUID().slice(0, 8)}@example.com`, name: 'Ada' };
  const key = randomUUID();

  print(`POST /users ${JSON.stringify(ada)}`);
  const first = await post(context, ada, key);
  expectStatus(first, 201);
  await arrived(context, places, JSON.parse(first.text) as Created);

  print('the same request again, with the same Idempotency-Key');
  const again = await post(context, ada, key);
  if (again.text !== first.text) throw new Error(`the answer must be the same, got ${again.text}`);
  print('the same address again, without it');
  expectStatus(await post(context, ada), 409);
  print('a body with faults');
  expectStatus(await post(context, { email: 'ada', nmae: 'Ada' }), 400);

  print('the CRM goes down');
  await fetch(`${crmUrl}/outage`, { method: 'POST' });
  const grace = { email: `grace-${randomUUID().slice(0, 8)}@example.com`, name: 'Grace' };
  const second = await post(context, grace);
  expectStatus(second, 201);
  const created = JSON.parse(second.text) as Created;
  await mailed(context, places.mailUrl, created);
  await tracked(context, created);
  print('the CRM is back');
  await fetch(`${crmUrl}/outage`, { method: 'DELETE' });
  await contacted(context, places.crmUrl, created);
};

async function arrived(
  context: DemoContext,
  { mailUrl, crmUrl }: { mailUrl: string; crmUrl: string },
  user: Created,
): Promise<void> {
  await mailed(context, mailUrl, user);
  await tracked(context, user);
  await contacted(context, crmUrl, user);
}

const mailed = ({ until }: DemoContext, url: string, { email }: Created) =>
  until(`sendWelcomeEmail: the mail to ${email} is in the inbox`, async () => {
    const mails = (await (await fetch(`${url}/emails`)).json()) as ReceivedMail[];
    return mails.some(({ to }) => to.includes(email));
  });

const tracked = ({ until, storage }: DemoContext, { userId }: Created) =>
  until(`trackSignup: ${userId} is in the table signups`, async () =>
    (await readSignups(storage)).some((row) => row['user_id'] === userId),
  );

// Pub/Sub backs off up to half a minute here
const contacted = ({ until }: DemoContext, url: string, { userId }: Created) =>
  until(
    `createContact: ${userId} is in the CRM`,
    async () => {
      const contacts = (await (await fetch(`${url}/contacts`)).json()) as Contact[];
      return contacts.some(({ id }) => id === userId);
    },
    60_000,
  );

interface Answered {
  status: number;
  text: string;
}

async function post(
  { endpoints, print, signal }: DemoContext,
  body: unknown,
  key?: string,
): Promise<Answered> {
  const response = await fetch(`${endpoints.functions['createUser']}users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify(body),
    signal,
  });
  const text = await response.text();
  print(`createUser: ${response.status} ${text}`);
  return { status: response.status, text };
}

function expectStatus({ status }: Answered, wanted: number): void {
  if (status !== wanted) throw new Error(`the answer must be ${wanted}, got ${status}`);
}
