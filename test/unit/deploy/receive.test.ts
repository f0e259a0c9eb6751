import { expect, test } from 'vitest';
import { Cloud } from '../../../deploy/cloud.ts';
import type { Context } from '../../../deploy/context.ts';
import { deployAll } from '../../../deploy/deploy.ts';
import { Names } from '../../../deploy/names.ts';
import { parseOptions } from '../../../deploy/options.ts';
import { checkSecrets } from '../../../deploy/secrets.ts';
import { core } from '../../../functions/app.ts';
import type { App } from '../../../shared/app/define-app.ts';
import { withOptional } from '../../../shared/app/optional.ts';
import { RecordedGcloud } from '../../helpers/recorded-gcloud.ts';

const PLACE = ['--project', 'demo-project', '--region', 'europe-west1'];
const SOURCE = { files: 3, bytes: 1_000, hash: '0123456789abcdef', commit: 'c0ffee' };
const FUNCTION = 'function pipeline-receiveevent';
const receiving = withOptional(core, { receive: true });

function contextOf(app: App, gcloud: RecordedGcloud): Context {
  const options = parseOptions(PLACE, {}, core);
  const names = new Names({ ...options, projectNumber: '12345' });
  return { app, options, names, cloud: new Cloud(gcloud, names.place), source: SOURCE, settings: {} };
}

async function deploy(app: App, gcloud: RecordedGcloud): Promise<number> {
  return deployAll(contextOf(app, gcloud), gcloud, () => undefined);
}

function withSecret(): RecordedGcloud {
  const gcloud = new RecordedGcloud();
  gcloud.things.set('secret pipeline-RECEIVE_SOURCES', {
    name: 'projects/12345/secrets/pipeline-RECEIVE_SOURCES',
  });
  return gcloud;
}

const publicServices = ({ policies }: RecordedGcloud): string[] =>
  [...policies].flatMap(([resource, bindings]) =>
    bindings.some(({ members }) => members.includes('allUsers')) ? [resource] : [],
  );

test('with --receive, the function is public, it alone, and its keys are a file that follows new versions', async () => {
  const gcloud = withSecret();
  await deploy(receiving, gcloud);
  expect(publicServices(gcloud)).toEqual(['run services pipeline-receiveevent']);
  expect(gcloud.things.get(FUNCTION)).toMatchObject({
    serviceConfig: {
      ingressSettings: 'ALLOW_ALL',
      secretVolumes: [
        {
          mountPath: '/secrets/RECEIVE_SOURCES',
          secret: 'pipeline-RECEIVE_SOURCES',
          versions: [{ path: '/value', version: 'latest' }],
        },
      ],
    },
  });
  expect(gcloud.policies.get('secrets pipeline-RECEIVE_SOURCES')).toEqual([
    {
      role: 'roles/secretmanager.secretAccessor',
      members: ['serviceAccount:pipeline-receiveevent@demo-project.iam.gserviceaccount.com'],
    },
  ]);
  expect(await deploy(receiving, gcloud)).toBe(0);
});

test('without --receive nothing of it is deployed, and nothing is public', async () => {
  const gcloud = withSecret();
  await deploy(core, gcloud);
  expect(gcloud.things.has(FUNCTION)).toBe(false);
  expect(publicServices(gcloud)).toEqual([]);
  expect(JSON.stringify([...gcloud.policies])).not.toMatch(/receiveevent/i);
});

test('a deployment without the option removes the function; a second one changes nothing', async () => {
  const gcloud = withSecret();
  await deploy(receiving, gcloud);
  await deploy(core, gcloud);
  expect(gcloud.things.has(FUNCTION)).toBe(false);
  expect(publicServices(gcloud)).toEqual([]);
  expect(await deploy(core, gcloud)).toBe(0);
});

test('a deployment whose secret is missing stops, and says how to make it', async () => {
  const gcloud = new RecordedGcloud();
  await expect(checkSecrets(contextOf(receiving, gcloud))).rejects.toThrow(
    /pipeline-RECEIVE_SOURCES of receiveEvent/,
  );
});
