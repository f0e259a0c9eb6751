import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGcsServer } from '../../local/gcs/server.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { plainClient } from '../helpers/gcs-http.ts';

let gcs: TestGcs;
beforeAll(async () => {
  gcs = await startTestGcs();
});
afterAll(() => gcs.close());
const client = plainClient(() => gcs);

/** Each is a separate object, whatever a file system would make of it. */
const NAMES = [
  '../../evil',
  '..%2F..%2Fevil',
  'a/../b',
  'a//b',
  '/',
  '/etc/passwd',
  '...',
  'NUL',
  'con.txt',
  'tab\t',
  'zero\u0000',
  'escape\u001b[2J',
  'x\u202egpj',
  'Case',
  'case',
  'caf\u00e9',
  'cafe\u0301',
  'a',
  'a/b',
  'n'.repeat(1_024),
  '\u{1f3ac}'.repeat(256),
];

test('names that a file system would misread are stored, listed and read unchanged', async () => {
  for (const name of NAMES) expect((await client.upload(name, `body of ${name}`)).status).toBe(200);
  const { items } = (await (await client.call('GET', '/storage/v1/b/bucket/o')).json()) as {
    items: { name: string }[];
  };
  expect(items.map(({ name }) => name)).toEqual(
    NAMES.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  for (const name of NAMES) {
    const read = await client.call('GET', `${client.objectPath(name)}?alt=media`);
    expect(await read.text()).toBe(`body of ${name}`);
  }
  await gcs.server.close();
  gcs.server = await startGcsServer({ dir: gcs.dir });
  const read = await client.call('GET', `${client.objectPath('../../evil')}?alt=media`);
  expect(await read.text()).toBe('body of ../../evil');
  // no part of an object's name appears in a file's name
  const files = readdirSync(gcs.dir, { recursive: true, encoding: 'utf8' });
  expect(files.filter((file) => /evil|passwd|case|zero/i.test(file))).toEqual([]);
});

test.each(['', '.', '..', 'two\nlines', 'n'.repeat(1_025), '.well-known/acme-challenge/x'])(
  '%j is refused as the service refuses it',
  async (name) => {
    const answer = await client.upload(name, 'x');
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: { errors: { reason: string }[] } };
    expect(['invalid', 'required']).toContain(error.errors[0]!.reason);
  },
);

test('endless metadata is refused, and the server continues', async () => {
  const answer = await fetch(client.at('/upload/storage/v1/b/bucket/o?uploadType=resumable&name=x'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.alloc(17 * 1024 * 1024, 0x20),
  });
  expect(answer.status).toBe(413);
  expect(await answer.text()).toMatch(/must have at most 16777216 bytes, got 17825792/);
  expect((await client.upload('after', 'x')).status).toBe(200);
});
