import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UploadsAnswer } from '../../console/api-types.ts';
import { ROUTES } from '../../console/routes.ts';
import { writeDeath, writeResolved } from '../../shared/dead-letters/letter-store.ts';
import { send, storeUpload } from '../helpers/console.ts';
import { deathOf, REPLAY_TOPICS, videoDeathOf } from '../helpers/dlq.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { FULL } from '../helpers/full-form.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import { type GoogleServices, startGoogleServices } from '../helpers/google-services.ts';
import { type RunningCli, rowsOfMessage, startCli } from '../helpers/lake.ts';
import { structured } from '../helpers/messages.ts';
import { startTestPubsub, type TestPubsub } from '../helpers/pubsub.ts';

const VIEWER = 'roles/storage.objectViewer';
const BUCKETS = ['raw', 'frames', 'state', 'lake'];
const QUESTIONS = 'projects/a-project/topics/questions';

let gcs: TestGcs;
let pubsub: TestPubsub;
let google: GoogleServices;
let cli: RunningCli;
let url: string;
let upload: { bucket: string; name: string; generation: string };
const death = deathOf(1);
const videoDeath = videoDeathOf(3, { name: 'b.mp4', generation: '7' });
beforeAll(async () => {
  if (!FULL) return;
  gcs = await startTestGcs({ buckets: BUCKETS });
  pubsub = await startTestPubsub({ projectId: 'a-project', topics: [...REPLAY_TOPICS, 'questions'] });
  google = await startGoogleServices({ gcs: gcs.server.url, pubsub: pubsub.server.url });
  const storage = gcs.storage();
  upload = await storeUpload(storage, { name: 'a.mp4' });
  await writeDeath(storage.bucket('state'), death);
  await writeDeath(storage.bucket('state'), deathOf(2));
  await writeDeath(storage.bucket('state'), videoDeath);
  const { data, attributes } = structured({ id: 'e-1', type: 'order.created', correlationid: 'corr-1' });
  const table = await openEventsTable(storage.bucket('lake'), 'events');
  await table.append(rowsOfMessage({ data, attributes }, '2026-11-21T10:00:00Z'));
  cli = startCli(['console', '--cloud'], {
    ...google.env,
    ...{ RAW_BUCKET: 'raw', FRAMES_BUCKET: 'frames', STATE_BUCKET: 'state' },
    ...{
      LAKE_BUCKET: 'lake',
      LAKE_PATH: 'events',
      QUESTIONS_TOPIC: 'questions',
      GOOGLE_CLOUD_PROJECT: 'a-project',
    },
  });
  while (!/Ctrl-C/.test(cli.stdout())) await Promise.race([once(cli.child.stdout!, 'data'), failed(cli)]);
  url = /http\S+/.exec(cli.stdout())![0];
}, 60_000);
afterAll(async () => {
  cli?.child.kill('SIGINT');
  await cli?.ended;
  await google?.close();
  await pubsub?.close();
  await gcs?.close();
});

async function failed({ ended }: RunningCli): Promise<never> {
  const { code, stderr } = await ended;
  throw new Error(`exit code ${code}: ${stderr}`);
}

const grant = (roles: Record<string, readonly string[]> = {}): void => {
  google.roles = { ...Object.fromEntries(BUCKETS.map((name) => [`gs://${name}`, [VIEWER]])), ...roles };
};
const get = (path: string) => send(new URL(`api/${path}`, url));
const post = (path: string, body: unknown) =>
  send(new URL(`api/${path}`, url), { method: 'POST', body: JSON.stringify(body) });
const query = (): string => new URLSearchParams(upload).toString();

/** Settles the replay of the letter, as its function would: the console waits for that. */
async function resolve(letter: string): Promise<void> {
  const state = gcs.storage().bucket('state');
  for (;;) {
    for await (const { name } of state.list({ prefix: `dead-letters/${letter}/replay-` })) {
      const [, key = ''] = /replay-([^.]+)\.json$/.exec(name) ?? [];
      await writeResolved(state, { letter, key, by: 'ingestEvent', at: new Date().toISOString() });
      return;
    }
    await delay(100);
  }
}

/** Buckets that a page needs, from the table in docs/console.md. */
function documented(page: string): string[] {
  const text = readFileSync(new URL('../../docs/console.md', import.meta.url), 'utf8');
  const [, buckets] =
    new RegExp(`^\\| ${page} \\| (.+) \\|$`, 'm').exec(text.split('needs this role')[1] ?? '') ?? [];
  if (buckets === undefined) throw new Error(`docs/console.md does not say what ${page} needs`);
  return buckets === 'nothing' ? [] : buckets.split(', ').sort();
}

describe.runIf(FULL)('a viewer of a deployed project', () => {
  test.each([
    ['Now', () => ['app', 'letters', 'uploads', 'budget']],
    ['Uploads', () => ['app', 'uploads', `media?${query()}`]],
    ['One upload', () => [`upload?${query()}`, `media?${query()}`]],
    ['Events', () => ['events', 'table', 'commits', 'verify']],
    ['Trace', () => ['trace?id=corr-1']],
    [
      'Dead letters',
      () => [
        'letters',
        `letters?group=${death.group}`,
        `letter?id=${death.letter}`,
        `letter?id=${videoDeath.letter}`,
      ],
    ],
  ])('%s asks for what the docs say, and for nothing else', async (page, paths) => {
    grant();
    google.asked();
    for (const path of paths()) expect([path, (await get(path)).status]).toEqual([path, 200]);
    const asked = google.asked();
    expect(asked.filter(({ permission }) => !/^storage\.objects\.(?:get|list)$/.test(permission))).toEqual(
      [],
    );
    const buckets = [...new Set(asked.map(({ on }) => on.replace('gs://', '')))].sort();
    expect(buckets).toEqual(documented(page));
  });

  test('nothing that only shows asks for more than a viewer has', async () => {
    grant();
    google.asked();
    const paths = Object.entries(ROUTES).flatMap(([path, { method }]) => (method === 'GET' ? [path] : []));
    for (const path of paths) await get(`${path}?${query()}&id=${death.letter}`);
    const asked = google.asked().map(({ permission, on }) => `${permission} ${on}`);
    const allowed = BUCKETS.flatMap((name) =>
      ['get', 'list'].map((one) => `storage.objects.${one} gs://${name}`),
    );
    expect(asked.filter((one) => !allowed.includes(one))).toEqual([]);
  });

  test('a few uploads are shown without the table and the records', async () => {
    grant({ 'gs://lake': [], 'gs://state': [] });
    const { uploads } = JSON.parse((await get('uploads')).text) as UploadsAnswer;
    expect(uploads).toMatchObject([{ name: 'a.mp4', outcome: 'framed' }]);
  });

  test.each([
    ['events', 'gs://lake', 'roles/storage.objectViewer'],
    ['table', 'gs://lake', 'roles/storage.objectViewer'],
    ['letters', 'gs://state', 'roles/storage.objectViewer'],
    ['uploads', 'gs://frames', 'roles/storage.objectViewer'],
  ])('%s without a role on %s: the page names the role', async (path, bucket, role) => {
    grant({ [bucket]: [] });
    const { status, text } = await get(path);
    expect([status, JSON.parse(text).problem]).toEqual([
      502,
      expect.stringContaining(`grant ${role} on ${bucket}`),
    ]);
  });
});

describe.runIf(FULL)('what changes something', () => {
  const CREATOR = { 'gs://state': [VIEWER, 'roles/storage.objectCreator'] };
  const REPLAY = 'projects/a-project/topics/replay-ingestevent';

  test('a dry run needs what a viewer has', async () => {
    grant();
    const names = [death.letter];
    expect(await post('replay', { names, dryRun: true })).toMatchObject({ status: 200 });
    expect(await post('discard', { names, reason: 'a test', dryRun: true })).toMatchObject({ status: 200 });
  });

  test('a discard needs to create records, and nothing else', async () => {
    const body = { names: [death.letter], reason: 'a test', dryRun: false };
    grant();
    const { text } = await post('discard', body);
    expect(JSON.parse(text).problem).toContain('grant roles/storage.objectCreator on gs://state');
    grant(CREATOR);
    expect(await post('discard', body)).toMatchObject({ status: 200 });
  });

  test('a question needs to publish on its topic, and nothing else', async () => {
    const body = { ...upload, moment: 'a cat' };
    grant();
    const { text } = await post('ask', body);
    expect(JSON.parse(text).problem).toContain(`grant roles/pubsub.publisher on ${QUESTIONS}`);
    grant({ [QUESTIONS]: ['roles/pubsub.publisher'] });
    expect(await post('ask', body)).toMatchObject({ status: 200 });
  });

  test('a replay needs to create records and to publish on the topic of its function', async () => {
    const { letter } = deathOf(2);
    const body = { names: [letter], dryRun: false };
    grant();
    expect((await post('replay', body)).text).toContain('grant roles/storage.objectCreator on gs://state');
    grant(CREATOR);
    expect((await post('replay', body)).text).toContain(`grant roles/pubsub.publisher on ${REPLAY}`);
    grant({ ...CREATOR, [REPLAY]: ['roles/pubsub.publisher'] });
    google.asked();
    const [answer] = await Promise.all([post('replay', body), resolve(letter)]);
    expect(JSON.parse(answer.text)).toMatchObject({ published: [letter], outcomes: { resolved: [letter] } });
    const more = google.asked().filter(({ permission }) => !/objects\.(?:get|list)$/.test(permission));
    expect(more).toEqual([
      { permission: 'storage.objects.create', on: 'gs://state' },
      { permission: 'pubsub.topics.publish', on: REPLAY },
    ]);
  });
});
