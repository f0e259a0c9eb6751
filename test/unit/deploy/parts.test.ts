import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { covers } from '../../../deploy/covers.ts';
import { cliEnvironment } from '../../../deploy/env.ts';
import { GcloudError } from '../../../deploy/gcloud.ts';
import { Names } from '../../../deploy/names.ts';
import { parseOptions } from '../../../deploy/options.ts';
import { bucketPlan } from '../../../deploy/parts/buckets.ts';
import { explain, remediationOf } from '../../../deploy/remediations.ts';
import { describeSource, measure } from '../../../deploy/source.ts';
import { shown, shownFiles } from '../../../deploy/step.ts';
import { core } from '../../../functions/app.ts';
import { CORE_DIR } from '../../../shared/app/load-app.ts';

const dir = mkdtempSync(join(tmpdir(), 'deploy-parts-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const PLACE = ['--project', 'demo-project', '--region', 'us-central1'];

describe('wrong usage says what is allowed', () => {
  test.each<[string, string[], RegExp]>([
    ['no project', ['--region', 'us-central1'], /--project or GOOGLE_CLOUD_PROJECT must be given/],
    ['no region', ['--project', 'demo-project'], /--region must be given, such as us-central1/],
    [
      'a name for an id',
      ['--project', 'My Project', '--region', 'us-central1'],
      /6 to 30 lower-case letters/,
    ],
    [
      'a zone for a region',
      ['--project', 'demo-project', '--region', 'us-central1-a'],
      /--region must be a region such as us-central1 .*, got "us-central1-a"/,
    ],
    ['a long prefix', [...PLACE, '--prefix', 'a-very-long-prefix'], /1 to 12 lower-case letters/],
    ['a prefix that ends in a dash', [...PLACE, '--prefix', 'a-'], /--prefix must be 1 to 12 .*, got "a-"/],
    [
      'an unknown function',
      [...PLACE, '--only', 'processVideos'],
      /--only must be one of processVideo, ingestEvent/,
    ],
    ['an unknown option', [...PLACE, '--dryrun'], /--dryrun/],
    [
      'no instance at all',
      [...PLACE, '--max-instances', '0'],
      /--max-instances must be a whole number from 1.* got "0"/,
    ],
    ['no number', [...PLACE, '--raw-days', 'ten'], /--raw-days must be a whole number from 1.* got "ten"/],
    [
      'a channel by its name',
      [...PLACE, '--notify', 'me@example.com'],
      /--notify must be the number of a notification channel, .* got "me@example.com"/,
    ],
    [
      'a key by its short name',
      [...PLACE, '--kms-key', 'mine'],
      /--kms-key must be projects\/P\/.* got "mine"/,
    ],
    [
      'a key of another region',
      [...PLACE, '--kms-key', 'projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k'],
      /--kms-key must be a key in us-central1, .* got one in "europe-west1"/,
    ],
    ['two things at once', [...PLACE, '--verify', '--destroy'], /--verify and --destroy cannot be combined/],
    [
      'a smoke test of nothing',
      [...PLACE, '--smoke', '--dry-run'],
      /--smoke uploads a clip: it needs a deployment/,
    ],
    ['data without destruction', [...PLACE, '--with-data'], /--with-data needs --destroy/],
  ])('%s', (_name, args, told) => {
    expect(() => parseOptions(args, {}, core)).toThrow(told);
  });

  test('project and region may come from the environment', () => {
    const options = parseOptions([], { GOOGLE_CLOUD_PROJECT: 'demo-project', REGION: 'europe-west1' }, core);
    expect(options).toMatchObject({ project: 'demo-project', region: 'europe-west1', prefix: 'pipeline' });
  });
});

test("names stay within their services' limits, even with the longest prefix and project", () => {
  const names = new Names({
    project: 'a123456789b123456789c123456789',
    projectNumber: '1',
    region: 'us-central1',
    prefix: 'twelve-chars',
  });
  for (const { name } of core.functions) {
    expect(names.accountId(name).length, name).toBeLessThanOrEqual(30);
    expect(names.function(name)).toMatch(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
  }
  expect(names.bucket('frames').length).toBeLessThanOrEqual(63);
  expect(names.metric('dlq_messages_total')).toBe('twelve_chars_dlq_messages_total');
  expect(cliEnvironment(names, { app: core, dir: CORE_DIR })).toContain(
    'export REPLAY_TOPIC_PREFIX=twelve-chars-replay-',
  );
});

describe("gcloud's errors become one line that says what to do", () => {
  test.each<[string, string, RegExp]>([
    ['no gcloud', 'gcloud: command not found', /install/],
    [
      'no login',
      'ERROR: (gcloud.projects.describe) You do not currently have an active account selected.\nPlease run:\n\n  $ gcloud auth login',
      /run "gcloud auth login"/,
    ],
    [
      'an old login',
      "ERROR: (gcloud.projects.describe) There was a problem refreshing your current auth tokens: ('invalid_grant: Bad Request', {})",
      /run "gcloud auth login"/,
    ],
    [
      'no billing',
      "ERROR: (gcloud.services.enable) FAILED_PRECONDITION: Billing account for project '12345' is not found. Billing must be enabled for activation of service(s) 'run.googleapis.com' to proceed.\n  reason: UREQ_PROJECT_BILLING_NOT_FOUND",
      /gcloud billing projects link demo-project/,
    ],
    [
      'billing closed',
      'ERROR: (gcloud.storage.buckets.create) HTTPError 403: The billing account for the owning project is disabled in state closed',
      /gcloud billing projects link demo-project/,
    ],
    [
      'a service that is not enabled',
      "ERROR: (gcloud.scheduler.jobs.list) PERMISSION_DENIED: Cloud Scheduler API has not been used in project demo-project before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/cloudscheduler.googleapis.com/overview?project=demo-project then retry.\n- '@type': type.googleapis.com/google.rpc.ErrorInfo\n  reason: SERVICE_DISABLED",
      /gcloud services enable cloudscheduler.googleapis.com --project=demo-project/,
    ],
    [
      "a bucket's name that is taken",
      'ERROR: (gcloud.storage.buckets.create) HTTPError 409: The requested bucket name is not available. The bucket namespace is shared by all users of the system.',
      /choose another --prefix/,
    ],
    [
      'a quota',
      'ERROR: (gcloud.functions.deploy) ResponseError: status=[429], code=[Too Many Requests], message=[Quota exceeded for total allowable CPU per project per region.]',
      /quota of demo-project .*allowable CPU.*iam-admin\/quotas/,
    ],
    [
      'more instances than a new project may have',
      'ERROR: (gcloud.functions.deploy) INVALID_ARGUMENT: Could not create Cloud Run service pipeline-processvideo. spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]: Max instances must be set to 20 or fewer in order to set the requested total CPU.\n\nQuota violated:\nCpuAllocPerProjectRegion requested: 100000 allowed: 20000',
      /at most 20 instances .* run this again with --max-instances 20/,
    ],
    [
      'a region that may not build',
      'ERROR: (gcloud.functions.deploy) OperationError: code=9, message=Build failed: Due to quota restrictions, Cloud Build cannot run builds in this region: no concurrent builds quota available to create builds.',
      /not allowed in mars-east1: .*us-central1, us-west2, europe-west1, asia-east1, australia-southeast1/,
    ],
    [
      'a permission with its name',
      "ERROR: (gcloud.storage.buckets.create) HTTPError 403: me@example.com does not have storage.buckets.create access to the Google Cloud project. Permission 'storage.buckets.create' denied on resource (or it may not exist).",
      /you lack the permission storage.buckets.create in demo-project/,
    ],
    [
      'a permission without',
      'ERROR: (gcloud.pubsub.topics.create) PERMISSION_DENIED: User not authorized to perform this action.',
      /you lack a permission in demo-project \(PERMISSION_DENIED: User not authorized/,
    ],
    [
      'an unknown region',
      "ERROR: (gcloud.functions.list) PERMISSION_DENIED: Permission denied on 'locations/mars-east1' (or it may not exist).",
      /choose a --region from/,
    ],
    [
      'an organization that allows only its own',
      'ERROR: (gcloud.projects.add-iam-policy-binding) FAILED_PRECONDITION: One or more users named in the policy do not belong to a permitted customer.',
      /organization policy/,
    ],
  ])('%s', (_name, text, told) => {
    const mend = remediationOf(text, { project: 'demo-project', region: 'mars-east1' });
    expect(mend).toMatch(told);
    expect(mend).not.toContain('\n');
  });

  test('an unknown error stays as it is', () => {
    expect(remediationOf('ERROR: a duck', { project: 'p', region: 'r' })).toBeUndefined();
  });
});

/** First digits of the SHA-256 of {"it's":1}. */
const HASHED = 'a748b70d.json';

test('printed commands are valid bash', () => {
  const content = `{"it's":1}`;
  expect(shownFiles([{ flag: '--file', content }])).toEqual([
    `printf %s '{"it'\\''s":1}' >"$FILES/${HASHED}"`,
  ]);
  expect(shown(['a', '--b=c d', `it's`, '--schedule=*/5 * * * *', { flag: '--file', content }])).toBe(
    `gcloud a --b='c d' 'it'\\''s' --schedule='*/5 * * * *' --file="$FILES/${HASHED}"`,
  );
  expect(shown(['x', { shell: '$(gcloud y)' }, { flag: '--z', shell: '$(gcloud w)' }])).toBe(
    'gcloud x "$(gcloud y)" --z="$(gcloud w)"',
  );
});

test('a failed command is printed so that bash can run it again, with its files', () => {
  const command = ['create', { flag: '--config', content: `{"it's":1}` }, { content: 'raw' }, 'a b'];
  const said = explain(new GcloudError(command, 'ERROR: a duck'), { project: 'p', region: 'r' });
  const [, script = ''] = said.split('the command was:\n');
  writeFileSync(
    join(dir, 'gcloud'),
    '#!/bin/bash\nprintf "%s|" "$1" "$(cat "$(cut -d= -f2 <<<"$2")")" "$(cat "$3")" "$4"\n',
    {
      mode: 0o755,
    },
  );
  const env = { PATH: `${dir}:${process.env['PATH']}`, TMPDIR: dir };
  expect(execFileSync('bash', ['-ec', script], { env, encoding: 'utf8' })).toBe(`create|{"it's":1}|raw|a b|`);
});

test.each<[string, unknown, unknown, boolean]>([
  ['more fields than were given', { a: 1, name: 'x' }, { a: 1 }, true],
  ['a 64-bit number as a text', { a: '300' }, { a: 300 }, true],
  ['a zero that is left out', { y: 1 }, { x: 0, y: 1 }, true],
  ['an empty list that is left out', {}, { list: [] }, true],
  ['another value', { a: 1 }, { a: 2 }, false],
  ['a value instead of nothing', { enabled: true }, { enabled: false }, false],
  ['a longer list', { a: [1, 2] }, { a: [1] }, false],
  ['a missing field', {}, { a: 'x' }, false],
  ["labels in the service's order", [{ key: 'code' }, { key: 'a' }], [{ key: 'a' }, { key: 'code' }], true],
  ['another label', [{ key: 'code' }, { key: 'b' }], [{ key: 'a' }, { key: 'code' }], false],
  // what Google answered to Config Connector's requests, in its files `_http.log` under
  // https://github.com/GoogleCloudPlatform/k8s-config-connector/tree/master/pkg/test/resourcefixture/testdata/basic
  [
    'a metric gets a unit, a type and a name (logging/…/explicitlogmetric)',
    {
      bucketOptions: { explicitBuckets: { bounds: [1.5, 4.5] } },
      createTime: '2024-04-01T12:34:56.123456Z',
      metricDescriptor: {
        ...{ metricKind: 'DELTA', valueType: 'DISTRIBUTION', unit: '1' },
        ...{ type: 'logging.googleapis.com/user/m', name: 'projects/p/metricDescriptors/m' },
      },
    },
    {
      bucketOptions: { explicitBuckets: { bounds: [1.5, 4.5] } },
      metricDescriptor: { metricKind: 'DELTA', valueType: 'DISTRIBUTION' },
    },
    true,
  ],
  [
    'a metric without a descriptor gets one (logging/…/logginglogmetric-nometricdescriptor)',
    {
      filter: 'x',
      metricDescriptor: { description: 'd', metricKind: 'DELTA', unit: '1', valueType: 'INT64' },
    },
    { filter: 'x' },
    true,
  ],
  [
    "an alert's condition gets a name, and the alert records (monitoring/…/monitoringalertpolicy)",
    {
      combiner: 'OR',
      conditions: [
        { name: 'projects/p/alertPolicies/1/conditions/2', displayName: 'c', conditionAbsent: {} },
      ],
      creationRecord: { mutateTime: '2024-04-01T12:34:56.123456Z' },
      enabled: true,
    },
    { combiner: 'OR', conditions: [{ displayName: 'c', conditionAbsent: {} }], enabled: true },
    true,
  ],
  [
    'a chart gets an axis, a text a style (monitoring/…/monitoringdashboardbasic)',
    [
      { xyChart: { dataSets: [{ plotType: 'LINE', targetAxis: 'Y1' }] } },
      { text: { content: 'a', style: {} } },
    ],
    [{ xyChart: { dataSets: [{ plotType: 'LINE' }] } }, { text: { content: 'a' } }],
    true,
  ],
  [
    'a text gets a format, and a dashboard an etag (monitoring/…/monitoringdashboardmosaiclayout)',
    { etag: 'a', tiles: [{ widget: { text: { content: 'a', format: 1, style: {} } } }] },
    { tiles: [{ widget: { text: { content: 'a' } } }] },
    true,
  ],
  [
    'an alert that was turned off is a difference (monitoring/…/monitoringalertpolicy)',
    { conditions: [], enabled: false },
    { enabled: true },
    false,
  ],
  ['tiles in another order', [{ x: 1 }, { x: 2 }], [{ x: 2 }, { x: 1 }], false],
])('what a service returns covers what it was given: %s', (_name, found, wanted, isCovered) => {
  expect(covers(found, wanted)).toBe(isCovered);
});

test('the hash of the source follows names and contents', async () => {
  writeFileSync(join(dir, 'a'), 'one');
  writeFileSync(join(dir, 'b'), 'two');
  const before = await measure(['a', 'b'], dir);
  expect(before).toMatchObject({ files: 2, bytes: 6, hash: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect((await measure(['a', 'b'], dir)).hash).toBe(before.hash);
  writeFileSync(join(dir, 'b'), 'twp');
  expect((await measure(['a', 'b'], dir)).hash).not.toBe(before.hash);
});

test('an upload that cannot be intended is refused, with its size', () => {
  const source = { files: 182, bytes: 830_000, hash: '', commit: 'c0ffee0123456789' };
  expect(describeSource(source)).toBe('source: 182 files, 811 KiB, commit c0ffee012345');
  expect(() => describeSource({ ...source, bytes: 300 * 1024 ** 2 })).toThrow(/307200 KiB: .*gcloudignore/);
  expect(() => describeSource({ ...source, files: 0, bytes: 0 })).toThrow(/got 0 files, 0 KiB/);
});

test('nothing in the lake expires by age, and raw videos only if requested', () => {
  const [lake, raw] = [bucketPlan('lake', core), bucketPlan('raw', core)];
  expect([...lake.lifecycle, ...raw.lifecycle].filter(({ action }) => action.type === 'Delete')).toEqual([]);
  expect(bucketPlan('raw', core, 30).lifecycle).toContainEqual({
    action: { type: 'Delete' },
    condition: { age: 30 },
  });
});
