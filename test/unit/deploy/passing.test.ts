import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { GcloudError } from '../../../deploy/gcloud.ts';
import { heldYet } from '../../../deploy/held-yet.ts';
import { isGone, isThere, type Passing, passingOf } from '../../../deploy/passing.ts';
import { explain } from '../../../deploy/remediations.ts';

const PLACE = { project: 'demo-project', region: 'us-central1' };
const DEPLOY = 'functions deploy pipeline-processvideo';
const TRIGGER = 'eventarc triggers create t';
const GRANT = 'projects add-iam-policy-binding demo-project';
const ALERT = 'alpha monitoring policies create';
const account = 'pipeline-processvideo@demo-project.iam.gserviceaccount.com';

/** Texts as users of new projects reported them. */
const UNKNOWN: [command: string, text: string][] = [
  [
    DEPLOY,
    'ResponseError: status=[403], code=[Forbidden], message=[Permission "storage.buckets.get" denied on "Bucket \\"demo-project-pipeline-raw\\" could not be validated. Please verify that the bucket exists and that the Eventarc service account has permission."]',
  ],
  [
    TRIGGER,
    'FAILED_PRECONDITION: Invalid resource state for "": Permission denied while using the Eventarc Service Agent. If you recently started to use Eventarc, it may take a few minutes before all necessary permissions are propagated to the Service Agent.',
  ],
  [
    DEPLOY,
    `OperationError: code=7, message=Permission "eventarc.events.receiveEvent" denied on "${account}"`,
  ],
  [
    DEPLOY,
    `ResponseError: status=[403], code=[Forbidden], message=[Service account projects/-/serviceAccounts/${account} was not found. Caller is missing permission 'iam.serviceaccounts.actAs']`,
  ],
  [
    DEPLOY,
    `ResponseError: status=[403], code=[Forbidden], message=[Permission 'iam.serviceaccounts.actAs' denied on service account ${account} (or it may not exist).]`,
  ],
  [GRANT, `INVALID_ARGUMENT: Service account ${account} does not exist.`],
  [
    'iam service-accounts add-iam-policy-binding x',
    "PERMISSION_DENIED: Permission 'iam.serviceAccounts.get' denied on resource (or it may not exist).",
  ],
  [DEPLOY, 'OperationError: code=13, message=Failed to initialize region (action ID: 1234abcd): '],
  [DEPLOY, "gcloud crashed (AttributeError): 'NoneType' object has no attribute 'dockerRepository'"],
  [
    DEPLOY,
    "OperationError: code=7, message=Unable to retrieve the repository metadata for projects/demo-project/locations/us-central1/repositories/gcf-artifacts. Ensure that the Cloud Functions service account has 'artifactregistry.repositories.list'",
  ],
  [DEPLOY, 'OperationError: code=6, message=the repository already exists'],
  [
    DEPLOY,
    'OperationError: code=3, message=Build failed with status: FAILURE. Could not build the function due to a missing permission on the build service account.',
  ],
  [
    DEPLOY,
    'OperationError: code=7, message=Access to bucket gcf-v2-sources-12345-us-central1 denied. You must grant Storage Object Viewer permission to pipeline-build@demo-project.iam.gserviceaccount.com.',
  ],
  [
    DEPLOY,
    'FAILED_PRECONDITION: The Cloud Storage service account for your bucket is unable to publish to Cloud Pub/Sub topics in the specified project.',
  ],
  [
    'pubsub topics create pipeline-events',
    'INVALID_ARGUMENT: The project demo-project does not have an organization policy yet. Please wait a few minutes for the project to be ready and then retry this operation.',
  ],
  [
    'pubsub subscriptions add-iam-policy-binding pipeline-push-ingestevent',
    'NOT_FOUND: Resource not found (resource=pipeline-push-ingestevent).',
  ],
  ['pubsub subscriptions update s', 'NOT_FOUND: Resource not found (resource=s).'],
  [
    ALERT,
    'NOT_FOUND: Cannot find metric that matches type = "logging.googleapis.com/user/pipeline_dlq_messages_total". If a metric was created recently, it could take up to 10 minutes to become available. Please try again soon.',
  ],
  [
    'monitoring policies create',
    'NOT_FOUND: Cannot find metric(s) that match type = "logging.googleapis.com/user/pipeline_dlq_messages_total". If a metric was created recently, it could take up to 10 minutes to become available.',
  ],
  [
    ALERT,
    'INVALID_ARGUMENT: The metric referenced by the provided filter is unknown. Check the metric name.',
  ],
];

const BUSY: [command: string, text: string][] = [
  [ALERT, 'ABORTED: Too many concurrent edits to the project configuration. Please try again.'],
  [
    'monitoring dashboards delete d',
    'ABORTED: Too many concurrent edits to the project configuration. Please try again.',
  ],
  [GRANT, 'ABORTED: There were concurrent policy changes. Please retry the whole read-modify-write.'],
  [
    'services enable x',
    'FAILED_PRECONDITION: Another activation or deactivation is in progress for project.',
  ],
  [DEPLOY, 'ResponseError: status=[409], code=[Conflict], message=[unable to queue the operation]'],
  ['scheduler jobs create pubsub j', 'ABORTED: sync mutate calls cannot be queued'],
];

const FAILED: [command: string, text: string][] = [
  ['storage buckets create gs://b', 'HTTPError 503: We encountered an internal error. Please try again.'],
  [DEPLOY, 'ResponseError: status=[500], code=[Internal Server Error], message=[An internal error]'],
  ['pubsub topics create t', 'UNAVAILABLE: The service is currently unavailable.'],
  [DEPLOY, 'OperationError: code=13, message=None'],
  ['services list', 'INTERNAL: Internal error encountered.'],
  ['pubsub topics list', "gcloud crashed (ConnectionError): ('Connection aborted.', RemoteDisconnected())"],
];

/** Texts whose cause does not go away by waiting. */
const LASTING: [command: string, text: string][] = [
  [DEPLOY, 'OperationError: code=3, message=Container Healthcheck failed. Revision is not ready'],
  [DEPLOY, 'OperationError: code=13, message=Container Healthcheck failed. Revision is not ready'],
  [
    DEPLOY,
    'OperationError: code=13, message=The user-provided container failed to start and listen on the port defined by PORT=8080.',
  ],
  [DEPLOY, 'OperationError: code=3, message=Build failed: src/index.ts: error TS2345'],
  ['pubsub topics create t', "PERMISSION_DENIED: Permission 'pubsub.topics.create' denied on resource 'p'."],
  ['storage buckets create gs://b', 'HTTPError 409: The requested bucket name is not available.'],
  [
    GRANT,
    'FAILED_PRECONDITION: One or more users named in the policy do not belong to a permitted customer. organization policy',
  ],
  ['storage buckets describe gs://b', 'HTTPError 404: The specified bucket does not exist.'],
];

const error = (command: string, text: string) =>
  new GcloudError(command.split(' '), `ERROR: (gcloud.x) ${text}`);

describe('an answer that passes with time', () => {
  test.each(UNKNOWN)('%s: %s', (command, text) => {
    expect(passingOf(text, command)?.kind).toBe('unknown');
    const said = explain(error(command, text), PLACE);
    expect(said).not.toMatch(/you lack|permission .* in demo-project/);
    expect(said).not.toContain('\n');
    expect(said).toContain('not known everywhere yet: run it again');
  });

  test.each(BUSY)('%s: %s', (command, text) => {
    expect(passingOf(text, command)?.kind).toBe('busy');
    expect(explain(error(command, text), PLACE)).toMatch(/^another change is in progress: run it again/);
  });

  test.each(FAILED)('%s: %s', (command, text) => {
    expect(passingOf(text, command)?.kind).toBe('failed');
    expect(explain(error(command, text), PLACE)).toMatch(/^a service of Google failed: run it again/);
  });

  test('a quota per minute passes, and is explained as the quota that it is', () => {
    const text =
      "RESOURCE_EXHAUSTED: Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service 'pubsub.googleapis.com'.";
    expect(passingOf(text, 'pubsub topics create t')?.kind).toBe('rate');
    expect(explain(error('pubsub topics create t', text), PLACE)).toMatch(/^a quota of demo-project/);
  });

  test.each(LASTING)('does not pass: %s: %s', (command, text) => {
    expect(passingOf(text, command)).toBeUndefined();
  });

  test('a permission that the caller holds is not said to be lacking', () => {
    const text = "PERMISSION_DENIED: Permission 'pubsub.topics.create' denied on resource 'p'.";
    const command = ['pubsub', 'topics', 'create', 't'];
    expect(explain(new GcloudError(command, text), PLACE)).toMatch(/^you lack the permission/);
    const passing = { kind: 'unknown', what: 'your permission pubsub.topics.create' } as const;
    expect(explain(new GcloudError(command, text, passing), PLACE)).toMatch(
      /^your permission pubsub\.topics\.create is not known everywhere yet: run it again/,
    );
  });
});

describe('a change that was denied', () => {
  /** The project's testIamPermissions, for somebody who holds these. */
  async function judged(text: string, held: string[] | 'all', said = 'token'): Promise<Passing | undefined> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { permissions } = JSON.parse(Buffer.concat(chunks).toString()) as { permissions: string[] };
        response.end(
          JSON.stringify({ permissions: permissions.filter((one) => held === 'all' || held.includes(one)) }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const env = { CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER: `http://127.0.0.1:${port}/` };
    const judge = heldYet({ gcloud: () => ({ text: async () => said }), project: 'demo-project', env });
    return judge(text, 'pubsub topics list').finally(() => server.close());
  }
  const named = "PERMISSION_DENIED: Permission 'pubsub.topics.create' denied on resource 'p'.";
  const unnamed = 'PERMISSION_DENIED: User not authorized to perform this action.';

  test.each<[string, string, string[] | 'all', string | undefined]>([
    [
      'a permission that the caller holds',
      named,
      ['pubsub.topics.create'],
      'your permission pubsub.topics.create',
    ],
    ['one that the caller lacks', named, ['pubsub.topics.list'], undefined],
    ['none is named, and the caller owns the project', unnamed, 'all', 'a permission of yours'],
    ['none is named, and the caller lacks some', unnamed, ['pubsub.topics.create'], undefined],
    [
      'a service that was turned off',
      'PERMISSION_DENIED: Cloud Pub/Sub API has not been used in project p before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/pubsub.googleapis.com/overview?project=p',
      'all',
      undefined,
    ],
    ['no billing', 'PERMISSION_DENIED: BILLING_DISABLED', 'all', undefined],
    [
      'an unknown region',
      "PERMISSION_DENIED: Permission denied on 'locations/mars-east1' (or it may not exist).",
      'all',
      undefined,
    ],
  ])('%s', async (_name, text, held, what) => {
    expect((await judged(text, held))?.what).toBe(what);
  });

  test.each([
    ['an older gcloud', '[{"config": {"name": "pubsub.googleapis.com"}}]', 'a service that was just enabled'],
    [
      'a newer one',
      '[{"name": "projects/1/services/pubsub.googleapis.com"}]',
      'a service that was just enabled',
    ],
    ['another service', '[{"config": {"name": "eventpubsub.googleapis.com"}}]', undefined],
  ])('a service that an earlier run enabled is waited for, as %s lists it', async (_name, list, what) => {
    const text =
      'PERMISSION_DENIED: Cloud Pub/Sub API has not been used in project p before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/pubsub.googleapis.com/overview?project=p';
    expect((await judged(text, [], list))?.what).toBe(what);
  });
});

test('done before: a bucket of ours, but not a name that somebody else has', () => {
  expect(
    isThere(
      'HTTPError 409: Your previous request to create the named bucket succeeded and you already own it.',
    ),
  ).toBe(true);
  expect(isThere('HTTPError 409: The requested bucket name is not available.')).toBe(false);
  expect(isGone('NOT_FOUND: Resource not found (resource=a).')).toBe(true);
  expect(isGone('NOT_FOUND: Resource not found (resource=a).\nPERMISSION_DENIED: User not authorized')).toBe(
    false,
  );
});
