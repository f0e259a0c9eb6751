import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { validatorsOf } from '../../../functions/ingest/validators.ts';
import { checkContracts, readContracts } from '../../../schemas/contracts.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import { createGcsStorage } from '../../../shared/storage/gcs.ts';
import { deliverExample } from '../../../test/helpers/contracts.ts';
import { startTestGcs, type TestGcs } from '../../../test/helpers/gcs.ts';
import app from '../app.ts';
import { type Crm, startCrm } from '../local/crm-server.ts';
import { type MailServer, startMailServer } from '../local/mail-server.ts';
import { readSignups } from '../local/signups.ts';

const EXAMPLE = 'examples/signup';
const contracts = readContracts(`${EXAMPLE}/contracts`);

test('every consumer of user.created has a contract, and the schema guarantees all of them', () => {
  const consumers = app.functions.filter(
    ({ trigger, name }) =>
      trigger.kind === 'messagePublished' && trigger.topic === 'user-events' && !name.startsWith('ingest'),
  );
  expect(contracts.map(({ consumer }) => consumer).sort()).toEqual(consumers.map(({ name }) => name).sort());
  expect(checkContracts(EXAMPLE)).toEqual({ checked: 3, faults: [] });
});

test('what createUser publishes is valid by the schema, and so is what is published by hand', () => {
  const validate = validatorsOf(app)['user.created']?.['1'];
  const data = { userId: `usr-${sha256('x').slice(0, 36)}`, email: 'ada@example.com', name: 'Ada' };
  expect([validate?.(data), validate?.({ ...data, event: 'user.created' })]).toEqual([true, true]);
  expect(validate?.({ ...data, name: '' })).toBe(false);
});

let [dir, key]: [string, string] = ['', 'test'];
let gcs: TestGcs;
let mail: MailServer;
let crm: Crm;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signup-contracts-'));
  gcs = await startTestGcs({ buckets: ['lake', 'state', 'users'] });
  mail = await startMailServer({ dir, apiKey: key });
  crm = await startCrm({ dir, apiKey: key });
});
afterAll(async () => {
  await Promise.all([mail?.close(), crm?.close(), gcs?.close()]);
  await rm(dir, { recursive: true, force: true });
});

test.each(contracts)('$consumer accepts the example of its contract', async (contract) => {
  const env = {
    ...{ STORAGE_API_ENDPOINT: gcs.server.url, STATE_BUCKET: 'state', LAKE_BUCKET: 'lake' },
    ...{ MAIL_URL: mail.url, MAIL_API_KEY: key, CRM_URL: crm.url, CRM_API_KEY: key },
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { userId, email } = contract.example as { userId: string; email: string };
  expect(await deliverExample(app, contract)).toEqual({ kind: 'settled' });
  const storage = createGcsStorage({ apiEndpoint: gcs.server.url, projectId: 'local' });
  const done = {
    sendWelcomeEmail: mail.mails.some(({ to }) => to.includes(email)),
    trackSignup: (await readSignups(storage)).some((row) => row['user_id'] === userId),
    createContact: crm.contacts.has(userId),
  };
  expect(done).toMatchObject({ [contract.consumer]: true });
});
