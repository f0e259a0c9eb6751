export type Kind =
  | 'project'
  | 'bucket'
  | 'topic'
  | 'subscription'
  | 'schema'
  | 'service'
  | 'function'
  | 'account'
  | 'secret'
  | 'key';

const storage: Kind[] = ['project', 'bucket'];
const pubsub: Kind[] = ['project', 'topic', 'subscription'];
const run: Kind[] = ['project', 'service'];
const legacy: Kind[] = ['bucket'];
const account: Kind[] = ['project', 'account'];
const project: Kind[] = ['project'];

/** Roles this control plane knows, and the kinds of resource they can be granted on. */
const ROLES: Record<string, readonly Kind[]> = {
  'roles/owner': project,
  'roles/editor': project,
  'roles/viewer': project,
  'roles/storage.admin': storage,
  'roles/storage.objectAdmin': storage,
  'roles/storage.objectUser': storage,
  'roles/storage.objectViewer': storage,
  'roles/storage.objectCreator': storage,
  'roles/storage.bucketViewer': storage,
  'roles/storage.legacyBucketOwner': legacy,
  'roles/storage.legacyBucketReader': legacy,
  'roles/storage.legacyBucketWriter': legacy,
  'roles/storage.legacyObjectOwner': legacy,
  'roles/storage.legacyObjectReader': legacy,
  'roles/pubsub.admin': pubsub,
  'roles/pubsub.editor': pubsub,
  'roles/pubsub.viewer': pubsub,
  'roles/pubsub.publisher': ['project', 'topic'],
  'roles/pubsub.subscriber': ['project', 'topic', 'subscription'],
  'roles/pubsub.serviceAgent': project,
  'roles/run.invoker': run,
  'roles/run.admin': run,
  'roles/run.developer': run,
  'roles/run.viewer': run,
  'roles/cloudfunctions.invoker': ['project', 'function'],
  'roles/cloudfunctions.developer': ['project', 'function'],
  'roles/cloudfunctions.serviceAgent': project,
  'roles/aiplatform.user': project,
  'roles/eventarc.eventReceiver': project,
  'roles/eventarc.serviceAgent': project,
  'roles/logging.logWriter': project,
  'roles/monitoring.metricWriter': project,
  'roles/cloudtrace.agent': project,
  'roles/artifactregistry.reader': project,
  'roles/artifactregistry.writer': project,
  'roles/cloudbuild.builds.builder': project,
  'roles/cloudscheduler.serviceAgent': project,
  'roles/secretmanager.secretAccessor': ['project', 'secret'],
  'roles/cloudkms.cryptoKeyEncrypterDecrypter': ['project', 'key'],
  'roles/serviceusage.serviceUsageConsumer': project,
  'roles/iam.serviceAccountUser': account,
  'roles/iam.serviceAccountTokenCreator': account,
  'roles/iam.serviceAccountOpenIdTokenCreator': account,
  'roles/iam.workloadIdentityUser': account,
};

/** Why the role cannot be granted there; undefined if it can. */
export function roleFault(role: string, on: Kind): string | undefined {
  const kinds = ROLES[role];
  if (kinds === undefined) return `Role ${role} is not supported for this resource.`;
  return kinds.includes(on) ? undefined : `Role ${role} is not supported for this resource.`;
}
