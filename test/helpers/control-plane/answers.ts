import { ApiError, denied, invalid, notFound, unmet } from './api-error.ts';
import type { Fault } from './faults.ts';

export const EDITS = new ApiError(
  'ABORTED',
  'Too many concurrent edits to the project configuration. Please try again.',
);

/**
 * Answers as users of new projects reported them, at the steps where they did.
 * @param bucket a bucket of the app
 */
export function answersFor(prefix: string, first: string, bucket = 'state'): readonly Fault[] {
  const account = `${prefix}-${first}@demo-project.iam.gserviceaccount.com`;
  return [
    {
      permission: 'serviceusage.services.enable',
      error: unmet('Another activation or deactivation is in progress for project demo-project.'),
    },
    {
      permission: 'pubsub.topics.create',
      error: invalid(
        'The organization policy of the project is not known yet. Please wait a few minutes for the project to be ready and then retry this operation.',
      ),
    },
    {
      permission: 'resourcemanager.projects.setIamPolicy',
      error: invalid(`Service account ${account} does not exist.`),
    },
    {
      permission: 'cloudfunctions.functions.create',
      error: denied(
        `Permission "storage.buckets.get" denied on "Bucket \\"demo-project-${prefix}-${bucket}\\" could not be validated. Please verify that the bucket exists and that the Eventarc service account has permission."`,
      ),
    },
    {
      permission: 'cloudfunctions.functions.create',
      error: denied(`Permission "eventarc.events.receiveEvent" denied on "${account}"`),
    },
    {
      permission: 'cloudfunctions.functions.create',
      error: notFound(
        `Service account projects/-/serviceAccounts/${account} was not found. Caller is missing permission 'iam.serviceaccounts.actAs'`,
      ),
    },
    {
      permission: 'cloudfunctions.functions.create',
      error: denied(
        `Permission 'iam.serviceaccounts.actAs' denied on service account ${account} (or it may not exist).`,
      ),
    },
    {
      permission: 'pubsub.subscriptions.setIamPolicy',
      error: notFound(`Resource not found (resource=${prefix}-push).`),
    },
    // what no list has: the caller owns the project, and may do this
    {
      permission: 'cloudscheduler.jobs.create',
      error: denied(
        'The principal lacks IAM permission "cloudscheduler.jobs.create" for the resource (or the resource may not exist). Permission \'cloudscheduler.jobs.create\' denied on resource.',
      ),
    },
    { permission: 'logging.logMetrics.create', error: EDITS },
    { permission: 'monitoring.dashboards.create', error: EDITS },
    {
      permission: 'monitoring.alertPolicies.create',
      error: notFound(
        `Cannot find metric(s) that match type = "logging.googleapis.com/user/${prefix.replaceAll('-', '_')}_dlq_messages_total". If a metric was created recently, it could take up to 10 minutes to become available.`,
      ),
    },
    {
      permission: 'monitoring.alertPolicies.create',
      error: invalid('The metric referenced by the provided filter is unknown. Check the metric name.'),
    },
    { permission: 'monitoring.alertPolicies.create', error: EDITS },
  ];
}

/** A service that fails for a moment, as any does: at each kind of change that has no answer of its own above. */
export const FAILURES: readonly Fault[] = [
  'serviceusage.services.enable',
  'storage.buckets.create',
  'pubsub.topics.create',
  'pubsub.subscriptions.create',
  'iam.serviceAccounts.create',
  'cloudfunctions.functions.create',
  'cloudscheduler.jobs.create',
  'logging.logMetrics.create',
].map((permission) => ({
  permission,
  error: new ApiError('UNAVAILABLE', 'The service is currently unavailable.'),
}));
