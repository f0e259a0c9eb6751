import type { Body } from './expressions.ts';

/** One resource of main.tf.json. */
export interface Resource {
  type: string;
  name: string;
  body: Body;
}

export const addressOf = ({ type, name }: Pick<Resource, 'type' | 'name'>): string => `${type}.${name}`;

/** The service that must be enabled before resources of a type can be made. */
const SERVICES: Readonly<Record<string, string>> = {
  google_artifact_registry_repository: 'artifactregistry',
  google_cloud_run_v2_service_iam_member: 'run',
  google_cloud_scheduler_job: 'cloudscheduler',
  google_cloudfunctions2_function: 'cloudfunctions',
  google_eventarc_trigger: 'eventarc',
  google_kms_crypto_key_iam_member: 'cloudkms',
  google_logging_metric: 'logging',
  google_monitoring_alert_policy: 'monitoring',
  google_monitoring_dashboard: 'monitoring',
  google_project_iam_audit_config: 'cloudresourcemanager',
  google_project_iam_member: 'cloudresourcemanager',
  google_pubsub_subscription: 'pubsub',
  google_pubsub_subscription_iam_member: 'pubsub',
  google_pubsub_topic: 'pubsub',
  google_pubsub_topic_iam_member: 'pubsub',
  google_secret_manager_secret_iam_member: 'secretmanager',
  google_service_account: 'iam',
  google_storage_bucket: 'storage',
  google_storage_bucket_iam_member: 'storage',
};

/** The resource, made after its service is enabled and after `others`. */
export function after(resource: Resource, ...others: Resource[]): Resource {
  const service = SERVICES[resource.type];
  const own = (resource.body['depends_on'] ?? []) as string[];
  const all = [
    ...own,
    ...(service === undefined ? [] : [`google_project_service.${service}`]),
    ...others.map(addressOf),
  ];
  return all.length === 0
    ? resource
    : { ...resource, body: { ...resource.body, depends_on: [...new Set(all)] } };
}
