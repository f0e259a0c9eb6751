import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quotaExceeded } from '../helpers/control-plane/api-error.ts';
import { type ControlPlane, startControlPlane } from '../helpers/control-plane/server.ts';
import type { JsonObject } from '../helpers/control-plane/shapes.ts';

/** The control plane judges deploy.sh, so these tests hold it to the platform's rules. They need no gcloud. */
let plane: ControlPlane;

beforeEach(async () => {
  plane = await startControlPlane('demo-project', '42');
  for (const api of [
    'pubsub',
    'storage',
    'iam',
    'run',
    'cloudfunctions',
    'logging',
    'monitoring',
    'eventarc',
  ]) {
    plane.cloud.state.services.add(`${api}.googleapis.com`);
  }
});
afterEach(() => plane.close());

interface Reply {
  status: number;
  body: JsonObject & { error?: { message: string; status: string; details?: JsonObject[] } };
}

async function ask(line: string, body?: object, token = plane.token): Promise<Reply> {
  const [method = '', path = ''] = line.split(' ');
  const response = await fetch(`${plane.url}/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

async function messageOf(line: string, body?: object): Promise<string> {
  const { status, body: answer } = await ask(line, body);
  expect(status).toBeGreaterThanOrEqual(400);
  return `${status} ${answer.error?.message}`;
}

const topic = 'pubsub/v1/projects/demo-project/topics/events';
const subscription = 'pubsub/v1/projects/demo-project/subscriptions/events-kept';

describe('authentication, APIs, billing and faults', () => {
  it('refuses a token that it did not issue', async () => {
    expect((await ask(`GET ${topic}`, undefined, 'other')).status).toBe(401);
  });

  it('refuses an API that is not enabled, as Google words it', async () => {
    plane.cloud.state.services.delete('pubsub.googleapis.com');
    const { status, body } = await ask(`PUT ${topic}`, {});
    expect(status).toBe(403);
    expect(body.error?.message).toMatch(
      /^Cloud Pub\/Sub API has not been used in project demo-project before/,
    );
    expect(body.error?.details?.[0]).toMatchObject({ reason: 'SERVICE_DISABLED' });
  });

  it('enables nothing without billing', async () => {
    plane.cloud.state.project.billing = false;
    const path = 'POST serviceusage/v1/projects/demo-project/services:batchEnable';
    expect(await messageOf(path, { serviceIds: ['aiplatform.googleapis.com'] })).toMatch(
      /Billing account .* not found/,
    );
    expect(await messageOf(path, { serviceIds: ['nosuch.googleapis.com'] })).toMatch(
      /permission denied for service/,
    );
  });

  it('denies and runs out of quota as configured, and only so many times', async () => {
    plane.cloud.faults.denied.add('pubsub.topics.create');
    expect(await messageOf(`PUT ${topic}`, {})).toMatch(/^403 Permission 'pubsub.topics.create' denied/);
    plane.cloud.faults.clear();
    const error = quotaExceeded('pubsub.googleapis.com', '42');
    plane.cloud.faults.add({ permission: 'pubsub.topics.*', error, times: 1 });
    expect(await messageOf(`PUT ${topic}`, {})).toMatch(/^429 Quota exceeded/);
    expect((await ask(`PUT ${topic}`, {})).status).toBe(200);
  });
});

describe('Pub/Sub', () => {
  beforeEach(async () => {
    await ask(`PUT ${topic}`, {});
  });

  it('fills in the defaults of the service', async () => {
    const { body } = await ask(`PUT ${subscription}`, { topic: 'projects/demo-project/topics/events' });
    expect(body).toMatchObject({ ackDeadlineSeconds: 10, messageRetentionDuration: '604800s' });
    expect(body).not.toHaveProperty('deadLetterPolicy');
  });

  it.each([
    [{ topic: 'projects/demo-project/topics/none' }, /Resource not found \(resource=none\)/],
    [{ ackDeadlineSeconds: 5 }, /10 to 600/],
    [{ surprise: 1 }, /Unknown name "surprise": Cannot find field/],
    [{ deadLetterPolicy: { deadLetterTopic: 'projects/demo-project/topics/none' } }, /resource=none/],
    [
      {
        deadLetterPolicy: { deadLetterTopic: 'projects/demo-project/topics/events', maxDeliveryAttempts: 3 },
      },
      /5 to 100/,
    ],
    [{ retryPolicy: { minimumBackoff: '10s', maximumBackoff: '900s' } }, /10 to 600/],
    [{ pushConfig: { pushEndpoint: 'http://x' } }, /https is required/],
    [
      { pushConfig: { pushEndpoint: 'https://x', oidcToken: { serviceAccountEmail: 'no@one' } } },
      /no@one does not exist/,
    ],
  ])('refuses a subscription with %j', async (change, message) => {
    const sent = { topic: 'projects/demo-project/topics/events', ...change };
    expect(await messageOf(`PUT ${subscription}`, sent)).toMatch(message);
  });

  it('keeps a subscription without its topic when the topic is deleted', async () => {
    await ask(`PUT ${subscription}`, { topic: 'projects/demo-project/topics/events' });
    await ask(`DELETE ${topic}`);
    expect((await ask(`GET ${subscription}`)).body['topic']).toBe('_deleted-topic_');
  });
});

describe('access policies', () => {
  const account = 'serviceAccount:runner@demo-project.iam.gserviceaccount.com';
  const accounts = 'iam/v1/projects/demo-project/serviceAccounts';
  const policies = 'cloudresourcemanager/v1/projects/demo-project';

  beforeEach(async () => {
    await ask(`PUT ${topic}`, {});
    await ask(`POST ${accounts}`, { accountId: 'runner' });
  });

  it.each([
    ['roles/nosuch.role', account, /roles\/nosuch.role is not supported/],
    ['roles/aiplatform.user', account, /not supported for this resource/],
    [
      'roles/pubsub.publisher',
      'serviceAccount:ghost@demo-project.iam.gserviceaccount.com',
      /ghost@.* does not exist/,
    ],
    [
      'roles/pubsub.publisher',
      'serviceAccount:service-42@gcp-sa-pubsub.iam.gserviceaccount.com',
      /does not exist/,
    ],
    ['roles/pubsub.publisher', 'runner', /Invalid member/],
  ])('refuses %s for %s on a topic', async (role, member, message) => {
    const policy = { bindings: [{ role, members: [member] }] };
    expect(await messageOf(`POST ${topic}:setIamPolicy`, { policy })).toMatch(message);
  });

  it('refuses a policy that was read before another write', async () => {
    const { body } = await ask(`GET ${topic}:getIamPolicy`);
    const policy = { ...body, bindings: [{ role: 'roles/pubsub.publisher', members: [account] }] };
    expect((await ask(`POST ${topic}:setIamPolicy`, { policy })).status).toBe(200);
    expect(await messageOf(`POST ${topic}:setIamPolicy`, { policy })).toMatch(
      /^409 .*concurrent policy changes/,
    );
  });

  it('keeps the remains of a deleted account in the policies that named it', async () => {
    const policy = { bindings: [{ role: 'roles/aiplatform.user', members: [account] }] };
    await ask(`POST ${policies}:setIamPolicy`, { policy });
    await ask(`DELETE ${accounts}/runner@demo-project.iam.gserviceaccount.com`);
    const { body } = await ask(`POST ${policies}:getIamPolicy`);
    expect(JSON.stringify(body)).toMatch(/deleted:serviceAccount:runner@.*\?uid=\d+/);
  });
});

describe('buckets', () => {
  const make = 'POST storage/storage/v1/b?project=demo-project';

  it('refuses a taken name, an unknown location, and the deletion of a bucket with objects', async () => {
    plane.cloud.state.taken.set('other-raw', 'somebody');
    expect(await messageOf(make, { name: 'other-raw', location: 'US-CENTRAL1' })).toMatch(
      /^409 The requested bucket name/,
    );
    expect(await messageOf('GET storage/storage/v1/b/other-raw')).toMatch(/^403 .*storage.buckets.get/);
    expect(await messageOf(make, { name: 'demo-raw', location: 'MOON' })).toMatch(
      /location constraint is not valid/,
    );
    expect(await messageOf(make, { name: 'Demo Raw', location: 'US-CENTRAL1' })).toMatch(
      /Invalid bucket name/,
    );
  });

  it('keeps deleted objects for a week by default', async () => {
    const { body } = await ask(make, { name: 'demo-raw', location: 'us-central1' });
    expect(body).toMatchObject({
      location: 'US-CENTRAL1',
      softDeletePolicy: { retentionDurationSeconds: '604800' },
    });
  });
});

describe('metrics and alerts', () => {
  const metrics = 'logging/v2/projects/demo-project/metrics';
  const alerts = 'monitoring/v3/projects/demo-project/alertPolicies';
  const alert = (filter: string): object => ({
    displayName: 'letters',
    combiner: 'OR',
    conditions: [{ displayName: 'c', conditionThreshold: { filter, comparison: 'COMPARISON_GT' } }],
  });

  it('refuses labels without extractors, and distributions without a value', async () => {
    const labels = [{ key: 'status', valueType: 'STRING' }];
    expect(
      await messageOf(`POST ${metrics}`, { name: 'm', filter: 'x', metricDescriptor: { labels } }),
    ).toMatch(/are not the same/);
    const metricDescriptor = { metricKind: 'DELTA', valueType: 'DISTRIBUTION' };
    expect(await messageOf(`POST ${metrics}`, { name: 'm', filter: 'x', metricDescriptor })).toMatch(
      /needs a value/,
    );
  });

  it('refuses an alert on a metric that does not exist, or is not known everywhere yet', async () => {
    const filter = 'metric.type="logging.googleapis.com/user/m" AND resource.type="cloud_run_revision"';
    expect(await messageOf(`POST ${alerts}`, alert(filter))).toMatch(
      /^404 Cannot find metric that matches type/,
    );
    await ask(`POST ${metrics}`, { name: 'm', filter: 'x' });
    plane.cloud.faults.metricLag = 2;
    expect(await messageOf(`POST ${alerts}`, alert(filter))).toMatch(/up to 10 minutes/);
    expect((await ask(`POST ${alerts}`, alert(filter))).status).toBe(200);
    expect(await messageOf(`POST ${alerts}`, alert('metric.type="x"'))).toMatch(/resource.type/);
  });
});
