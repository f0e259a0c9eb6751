/**
 * Expected result of a deployment, written by hand: in project `demo-project` (123456789012), region europe-west1,
 * prefix `pipeline`. Nothing here is computed from the code that deploys.
 */
const at = 'demo-project.iam.gserviceaccount.com';
const owned = (bucket: string): string[] => [
  `b/${bucket} roles/storage.legacyBucketOwner projectEditor:demo-project`,
  `b/${bucket} roles/storage.legacyBucketOwner projectOwner:demo-project`,
  `b/${bucket} roles/storage.legacyBucketReader projectViewer:demo-project`,
];

const video = `serviceAccount:pipeline-processvideo@${at}`;
const ingest = `serviceAccount:pipeline-ingestevent@${at}`;
const maintain = `serviceAccount:pipeline-maintaintable@${at}`;
const inspect = `serviceAccount:pipeline-inspectdeadletter@${at}`;
const build = `serviceAccount:pipeline-build@${at}`;
const agent = (name: string): string => `serviceAccount:service-123456789012@${name}.iam.gserviceaccount.com`;

const project = 'projects/demo-project';
const topics = `${project}/topics/pipeline-`;
const service = `${project}/locations/europe-west1/services/pipeline-`;
const subscriptions = `${project}/subscriptions/`;
const raw = 'b/demo-project-pipeline-raw';
const frames = 'b/demo-project-pipeline-frames';
const state = 'b/demo-project-pipeline-state';
const lake = 'b/demo-project-pipeline-lake';
const subscriber = `roles/pubsub.subscriber ${agent('gcp-sa-pubsub')}`;

/** Roles that Google's own accounts have in any project; they stay when everything is taken down. */
export const GOOGLES_OWN: readonly string[] = [
  `${project} roles/cloudscheduler.serviceAgent ${agent('gcp-sa-cloudscheduler')}`,
  `${project} roles/eventarc.serviceAgent ${agent('gcp-sa-eventarc')}`,
  `${project} roles/pubsub.serviceAgent ${agent('gcp-sa-pubsub')}`,
];

export const OWNER = `${project} roles/owner user:owner@example.com`;

export const BINDINGS: readonly string[] = [
  OWNER,
  ...GOOGLES_OWN,
  // Cloud Storage publishes uploads. No narrower grant is possible, because Eventarc creates the topic.
  `${project} roles/pubsub.publisher ${agent('gs-project-accounts')}`,
  `${project} roles/aiplatform.user ${video}`,
  `${project} roles/eventarc.eventReceiver ${video}`,
  `${project} roles/artifactregistry.writer ${build}`,
  `${project} roles/logging.logWriter ${build}`,
  `${project} roles/storage.objectViewer ${build}`,

  ...owned('demo-project-pipeline-raw'),
  `${raw} roles/storage.objectViewer ${video}`,
  `${raw} roles/storage.objectViewer ${inspect}`,
  ...owned('demo-project-pipeline-frames'),
  `${frames} roles/storage.objectViewer ${video}`,
  `${frames} roles/storage.objectCreator ${video}`,
  `${frames} roles/storage.objectViewer ${inspect}`,
  ...owned('demo-project-pipeline-state'),
  `${state} roles/storage.objectViewer ${video}`,
  `${state} roles/storage.objectCreator ${video}`,
  `${state} roles/storage.objectUser ${video} if resource.name.startsWith("projects/_/buckets/demo-project-pipeline-state/objects/videos/") && resource.name.endsWith("/lease.json")`,
  `${state} roles/storage.objectViewer ${ingest}`,
  `${state} roles/storage.objectCreator ${ingest}`,
  `${state} roles/storage.objectViewer ${maintain}`,
  `${state} roles/storage.objectCreator ${maintain}`,
  `${state} roles/storage.objectUser ${maintain} if resource.name.startsWith("projects/_/buckets/demo-project-pipeline-state/objects/maintenance/") && resource.name.endsWith("/lease.json")`,
  `${state} roles/storage.objectViewer ${inspect}`,
  `${state} roles/storage.objectCreator ${inspect}`,
  ...owned('demo-project-pipeline-lake'),
  `${lake} roles/storage.objectViewer ${ingest}`,
  `${lake} roles/storage.objectCreator ${ingest}`,
  `${lake} roles/storage.objectUser ${ingest} if (resource.name.endsWith("/_delta_log/_last_checkpoint")) || (resource.name.endsWith(".bin"))`,
  `${lake} roles/storage.objectUser ${maintain}`,
  `${lake} roles/storage.objectViewer ${inspect}`,
  `${lake} roles/storage.objectCreator ${inspect}`,
  `${lake} roles/storage.objectUser ${inspect} if (resource.name.endsWith("/_delta_log/_last_checkpoint")) || (resource.name.endsWith(".bin"))`,

  `${topics}events roles/pubsub.publisher ${video}`,
  `${topics}dead-letters roles/pubsub.publisher ${video}`,
  `${topics}dead-letters roles/pubsub.publisher ${ingest}`,
  `${topics}dead-letters roles/pubsub.publisher ${maintain}`,
  `${topics}dead-letters roles/pubsub.publisher ${agent('gcp-sa-pubsub')}`,
  `${topics}dead-letters-unread roles/pubsub.publisher ${agent('gcp-sa-pubsub')}`,

  `${service}processvideo roles/run.invoker ${video}`,
  `${service}ingestevent roles/run.invoker ${ingest}`,
  `${service}maintaintable roles/run.invoker ${maintain}`,
  `${service}inspectdeadletter roles/run.invoker ${inspect}`,

  `${subscriptions}eventarc-europe-west1-pipeline-processvideo-N-sub-N ${subscriber}`,
  `${subscriptions}pipeline-push-ingestevent ${subscriber}`,
  `${subscriptions}pipeline-push-maintaintable ${subscriber}`,
  `${subscriptions}pipeline-push-inspectdeadletter ${subscriber}`,
  `${subscriptions}pipeline-replay-processvideo ${subscriber}`,
  `${subscriptions}pipeline-replay-ingestevent ${subscriber}`,
  `${subscriptions}pipeline-replay-maintaintable ${subscriber}`,
];

const bucket = (softDeleteSeconds: string): object => ({
  location: 'EUROPE-WEST1',
  locationType: 'region',
  storageClass: 'STANDARD',
  iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
  softDeletePolicy: { retentionDurationSeconds: softDeleteSeconds },
});

export const BUCKETS: Record<string, object> = {
  [raw]: bucket('604800'),
  [frames]: bucket('604800'),
  [lake]: bucket('0'),
  [state]: bucket('0'),
};

const uriOf = (name: string): string => `https://pipeline-${name}-123456789012.europe-west1.run.app`;
const pushed = (name: string, rest: string): object => ({
  pushEndpoint: uriOf(name) + rest,
  oidcToken: { serviceAccountEmail: `pipeline-${name}@${at}`, audience: uriOf(name) },
});
const subscription = (
  name: string,
  ackDeadlineSeconds: number,
  attempts: number,
  behind: string,
): object => ({
  ackDeadlineSeconds,
  messageRetentionDuration: '604800s',
  expirationPolicy: {},
  retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
  deadLetterPolicy: { deadLetterTopic: `${topics}dead-letters`, maxDeliveryAttempts: attempts },
  pushConfig: pushed(name, behind),
});
const CE = '?__GCP_CloudEventsMode=CE_PUBSUB_BINDING';
const eventarc = (name: string): string => `${subscriptions}eventarc-europe-west1-pipeline-${name}-N-sub-N`;

/**
 * The path of a push names the topic of the function's trigger, and so does that of a replay, so that the
 * function learns a message's origin. The ack deadline is how long a push may take: the function's time limit, plus
 * a minute to spare if possible.
 */
export const SUBSCRIPTIONS: Record<string, object> = {
  [eventarc('processvideo')]: subscription('processvideo', 600, 10, CE),
  [`${subscriptions}pipeline-push-ingestevent`]: {
    topic: `${topics}events`,
    ...subscription('ingestevent', 120, 20, `/${topics}events`),
  },
  [`${subscriptions}pipeline-push-maintaintable`]: {
    topic: `${topics}maintenance`,
    ...subscription('maintaintable', 600, 5, `/${topics}maintenance`),
  },
  [`${subscriptions}pipeline-push-inspectdeadletter`]: {
    topic: `${topics}dead-letters`,
    ackDeadlineSeconds: 180,
    messageRetentionDuration: '604800s',
    expirationPolicy: {},
    retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
    deadLetterPolicy: { deadLetterTopic: `${topics}dead-letters-unread`, maxDeliveryAttempts: 30 },
    pushConfig: pushed('inspectdeadletter', `/${topics}dead-letters`),
  },
  [`${subscriptions}pipeline-replay-processvideo`]: subscription(
    'processvideo',
    600,
    10,
    `/${topics}replay-processvideo`,
  ),
  [`${subscriptions}pipeline-replay-ingestevent`]: subscription('ingestevent', 120, 20, `/${topics}events`),
  [`${subscriptions}pipeline-replay-maintaintable`]: subscription(
    'maintaintable',
    600,
    5,
    `/${topics}maintenance`,
  ),
  [`${subscriptions}pipeline-dead-letters-kept`]: {
    topic: `${topics}dead-letters`,
    ackDeadlineSeconds: 60,
    messageRetentionDuration: '604800s',
    expirationPolicy: {},
    pushConfig: {},
  },
  [`${subscriptions}pipeline-dead-letters-unread`]: {
    topic: `${topics}dead-letters-unread`,
    ackDeadlineSeconds: 60,
    messageRetentionDuration: '2678400s',
    expirationPolicy: {},
    pushConfig: {},
  },
};

export const TOPICS: readonly string[] = [
  `${topics}events`,
  `${topics}maintenance`,
  `${topics}dead-letters`,
  `${topics}dead-letters-unread`,
  `${topics}replay-processvideo`,
  `${topics}replay-ingestevent`,
  `${topics}replay-maintaintable`,
  `${project}/topics/eventarc-europe-west1-pipeline-processvideo-N-N`,
];

export const ACCOUNTS: readonly string[] = [video, ingest, maintain, inspect, build].map(
  (member) => `${project}/serviceAccounts/${member.replace('serviceAccount:', '')}`,
);

const environmentVariables = {
  GOOGLE_CLOUD_PROJECT: 'demo-project',
  RAW_BUCKET: 'demo-project-pipeline-raw',
  FRAMES_BUCKET: 'demo-project-pipeline-frames',
  STATE_BUCKET: 'demo-project-pipeline-state',
  LAKE_BUCKET: 'demo-project-pipeline-lake',
  EVENTS_TOPIC: `${topics}events`,
  MAINTENANCE_TOPIC: `${topics}maintenance`,
  DEAD_LETTER_TOPIC: `${topics}dead-letters`,
  // Set by the platform.
  LOG_EXECUTION_ID: 'true',
};

interface Sizes {
  memory: string;
  concurrency: number;
  most: number;
  timeout: number;
}

/** `fired` if Eventarc fires it; the others are called. */
function deployed(entryPoint: string, sizes: Sizes, fired?: object): [string, object] {
  const id = `pipeline-${entryPoint.toLowerCase()}`;
  return [
    `${project}/locations/europe-west1/functions/${id}`,
    {
      state: 'ACTIVE',
      buildConfig: {
        runtime: 'nodejs24',
        entryPoint,
        serviceAccount: `${project}/serviceAccounts/pipeline-build@${at}`,
      },
      serviceConfig: {
        availableMemory: sizes.memory,
        availableCpu: '1',
        maxInstanceRequestConcurrency: sizes.concurrency,
        maxInstanceCount: sizes.most,
        timeoutSeconds: sizes.timeout,
        serviceAccountEmail: `${id}@${at}`,
        ingressSettings: 'ALLOW_INTERNAL_ONLY',
        environmentVariables,
      },
      ...(fired && {
        eventTrigger: {
          ...fired,
          retryPolicy: 'RETRY_POLICY_RETRY',
          triggerRegion: 'europe-west1',
          serviceAccountEmail: `${id}@${at}`,
        },
      }),
    },
  ];
}

export const FUNCTIONS: Record<string, object> = Object.fromEntries([
  deployed(
    'processVideo',
    { memory: '1Gi', concurrency: 1, most: 10, timeout: 540 },
    {
      eventType: 'google.cloud.storage.object.v1.finalized',
      eventFilters: [{ attribute: 'bucket', value: 'demo-project-pipeline-raw' }],
    },
  ),
  deployed('ingestEvent', { memory: '1Gi', concurrency: 1000, most: 4, timeout: 60 }),
  deployed('maintainTable', { memory: '2Gi', concurrency: 1, most: 1, timeout: 540 }),
  deployed('inspectDeadLetter', { memory: '2Gi', concurrency: 80, most: 4, timeout: 120 }),
]);
