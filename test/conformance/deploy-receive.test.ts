import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  gcloudHere,
  PLACE,
  PROJECT,
  type Site,
  sent,
  succeeded,
  Workshop,
} from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy --receive');

const RECEIVE = [...PLACE, '--receive'];
const ACCOUNT = `serviceAccount:pipeline-receiveevent@${PROJECT}.iam.gserviceaccount.com`;
const SERVICE = `projects/${PROJECT}/locations/europe-west1/services/pipeline-receiveevent`;
const SECRET = `projects/${PROJECT}/secrets/pipeline-RECEIVE_SOURCES`;

describe.runIf(gcloud !== undefined)('deploy.sh --receive, with the real gcloud', () => {
  let workshop: Workshop;
  let site: Site;
  beforeAll(async () => {
    workshop = await Workshop.open();
    site = await workshop.site();
  });
  afterAll(() => workshop?.close());

  const functionHere = (): Record<string, unknown> | undefined =>
    Object.entries(site.picture().resources).find(([name]) =>
      name.endsWith('/functions/pipeline-receiveevent'),
    )?.[1];
  const bindingsOf = (text: string): string[] =>
    site.picture().bindings.filter((line) => line.includes(text));

  it('without the keys it stops before the first change, and says how to create them', async () => {
    const refused = await site.run(RECEIVE);
    expect(refused.code).toBe(1);
    expect(sent(refused)).toEqual([]);
    expect(refused.stderr).toContain('secret pipeline-RECEIVE_SOURCES of receiveEvent does not exist');
    const enable = `gcloud services enable secretmanager.googleapis.com --project=${PROJECT}`;
    const create = `printf 'json/curl a-key-of-25-characters-or-so\\n' | gcloud secrets create pipeline-RECEIVE_SOURCES --data-file=- --project=${PROJECT}`;
    succeeded(await site.run([], { script: `set -e\n${enable}\n${create}\n` }));
  });

  it('a dry run, piped to bash, makes a function that anyone may call, with its keys as a file', async () => {
    const dry = succeeded(await site.run([...RECEIVE, '--dry-run']));
    expect(sent(dry)).toEqual([]);
    succeeded(await site.run([], { script: dry.stdout }));
    expect(functionHere()).toMatchObject({
      serviceConfig: {
        ingressSettings: 'ALLOW_ALL',
        maxInstanceCount: 4,
        maxInstanceRequestConcurrency: 250,
        serviceAccountEmail: ACCOUNT.slice('serviceAccount:'.length),
        secretVolumes: [expect.objectContaining({ secret: 'pipeline-RECEIVE_SOURCES' })],
      },
    });
    expect(functionHere()).not.toHaveProperty('eventTrigger');
    expect(bindingsOf(`${SERVICE} `)).toEqual([`${SERVICE} roles/run.invoker allUsers`]);
    expect(bindingsOf(SECRET)).toEqual([`${SECRET} roles/secretmanager.secretAccessor ${ACCOUNT}`]);
    for (const topic of ['events', 'dead-letters']) {
      expect(bindingsOf(ACCOUNT)).toContain(
        `projects/${PROJECT}/topics/pipeline-${topic} roles/pubsub.publisher ${ACCOUNT}`,
      );
    }
  }, 900_000);

  it('a second run and --verify find nothing to do, and the address is printed', async () => {
    const again = succeeded(await site.run(RECEIVE));
    expect(sent(again)).toEqual([]);
    expect(again.stdout).toContain(
      `https://europe-west1-${PROJECT}.cloudfunctions.net/pipeline-receiveevent`,
    );
    const verified = succeeded(await site.run([...RECEIVE, '--verify']));
    expect(verified.stdout).toContain('everything matches the desired state');
  }, 600_000);

  it('a caller that lost its role gets it back', async () => {
    const remove = `gcloud run services remove-iam-policy-binding pipeline-receiveevent --region=europe-west1 --project=${PROJECT} --member=allUsers --role=roles/run.invoker --quiet`;
    succeeded(await site.run([], { script: remove }));
    const verified = await site.run([...RECEIVE, '--verify']);
    expect(verified.code).toBe(1);
    expect(`${verified.stdout}${verified.stderr}`).toContain('allUsers');
    succeeded(await site.run(RECEIVE));
    expect(bindingsOf(`${SERVICE} `)).toEqual([`${SERVICE} roles/run.invoker allUsers`]);
  }, 600_000);

  it('without the option the function is removed; the keys stay', async () => {
    const without = succeeded(await site.run(PLACE));
    expect(functionHere(), without.stdout).toBeUndefined();
    expect(Object.keys(site.picture().resources)).toContain(SECRET);
    expect(sent(succeeded(await site.run(PLACE)))).toEqual([]);
  }, 600_000);

  it('--destroy leaves nothing of it', async () => {
    succeeded(await site.run(RECEIVE));
    succeeded(await site.run([...RECEIVE, '--destroy', '--yes', '--with-data']));
    const left = Object.keys(site.picture().resources).filter((name) => /pipeline-receiveevent/.test(name));
    expect(left).toEqual([]);
    expect(bindingsOf('receiveevent')).toEqual([]);
  }, 600_000);
});
