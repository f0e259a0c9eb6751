import { type Context, chosen } from '../context.ts';
import { encryptedWith, neededApis } from '../encryption.ts';
import { Names } from '../names.ts';
import { displayName, wantedAccounts } from '../parts/accounts.ts';
import { audited, labelOf as auditLabel, LABEL, TYPES } from '../parts/audits.ts';
import { bucketPlan } from '../parts/buckets.ts';
import { BODY as SIGNAL, ZONE } from '../parts/schedule.ts';
import { wantedTopics } from '../parts/topics.ts';
import { type Body, expression, slug } from './expressions.ts';
import { labelOf } from './names.ts';
import { after, type Resource } from './resource.ts';

const DAY_SECONDS = 24 * 60 * 60;

export const services = (context: Pick<Context, 'app' | 'options'>): Resource[] =>
  Object.keys(neededApis(context)).map((name) => ({
    type: 'google_project_service',
    name: slug(name),
    // other things in the project may need the service
    body: { service: `${name}.googleapis.com`, disable_on_destroy: false },
  }));

export function buckets({ app, names, options }: Pick<Context, 'app' | 'names' | 'options'>): Resource[] {
  const services = options.auditDataAccess ? audited({ app }) : [];
  return Object.keys(app.buckets).map((key, index) => {
    const { softDeleteDays, lifecycle } = bucketPlan(key, app, options.rawDays);
    return bucket(key, new Names(names.place).bucket(key), softDeleteDays, {
      ...encryption(options),
      // as in the other way to deploy, which turns off what its label says that it turned on
      ...(index === 0 && services.length > 0 && { labels: { [LABEL]: auditLabel(services) } }),
      lifecycle_rule: lifecycle.map(({ action, condition }) => ({
        action: { ...action },
        condition: {
          ...(condition.age !== undefined && { age: condition.age }),
          ...(condition.matchesPrefix && { matches_prefix: condition.matchesPrefix }),
        },
      })),
    });
  });
}

export const encryption = ({ kmsKey }: Context['options']): Body =>
  kmsKey === undefined ? {} : { encryption: { default_kms_key_name: kmsKey } };

/** Data Access audit logs of the project. */
export const audits = ({ app, names, options }: Pick<Context, 'app' | 'names' | 'options'>): Resource[] =>
  (options.auditDataAccess ? audited({ app }) : []).map((service) =>
    after({
      type: 'google_project_iam_audit_config',
      name: slug(service.replace('.googleapis.com', '')),
      body: {
        project: names.place.project,
        service,
        audit_log_config: TYPES.map((log_type) => ({ log_type })),
      },
    }),
  );

/** The repository of the functions' images that a key of one's own needs. */
export function repositories({ names, options }: Pick<Context, 'names' | 'options'>): Resource[] {
  const key = encryptedWith({ names, options })?.kmsKey;
  if (key === undefined) return [];
  return [
    after({
      type: 'google_artifact_registry_repository',
      name: 'images',
      body: {
        repository_id: names.repository(key),
        location: names.place.region,
        format: 'DOCKER',
        kms_key_name: key,
        // gcloud sets them after the first build, and somebody's own stay
        lifecycle: { ignore_changes: ['cleanup_policies', 'cleanup_policy_dry_run'] },
      },
    }),
  ];
}

export const bucket = (key: string, name: string, softDeleteDays: number, more: Body): Resource =>
  after({
    type: 'google_storage_bucket',
    name: slug(key),
    body: {
      name,
      // otherwise the provider asks Compute Engine, which the app does not need
      project: expression('var.project'),
      location: expression('upper(var.region)'),
      storage_class: 'STANDARD',
      uniform_bucket_level_access: true,
      public_access_prevention: 'enforced',
      soft_delete_policy: { retention_duration_seconds: softDeleteDays * DAY_SECONDS },
      ...more,
    },
  });

export function topics(context: Pick<Context, 'app' | 'names' | 'options'>): Resource[] {
  const { names, options } = context;
  const literal = wantedTopics({ ...context, names: new Names(names.place) });
  return wantedTopics(context).map(([reference], index) =>
    after({
      type: 'google_pubsub_topic',
      name: labelOf(reference),
      body: {
        name: literal[index]?.[0] ?? '',
        ...(options.kmsKey !== undefined && { kms_key_name: options.kmsKey }),
        ...(options.storageRegions.length > 0 && {
          message_storage_policy: { allowed_persistence_regions: options.storageRegions },
        }),
      },
    }),
  );
}

export const accounts = (context: Pick<Context, 'app' | 'names' | 'options'>): Resource[] =>
  wantedAccounts(context).map(([name, why]) =>
    after({
      type: 'google_service_account',
      name: slug(name),
      body: { account_id: context.names.accountId(name), display_name: displayName(why, context) },
    }),
  );

/** Cloud Scheduler's defaults, which it returns: https://cloud.google.com/scheduler/docs/reference/rest/v1/RetryConfig */
const RETRIES: Body = {
  retry_count: 0,
  max_retry_duration: '0s',
  min_backoff_duration: '5s',
  max_backoff_duration: '3600s',
  max_doublings: 5,
};

export function jobs(context: Pick<Context, 'app' | 'names' | 'options'>): Resource[] {
  const { names } = context;
  return chosen(context).flatMap(({ name, trigger }) =>
    trigger.kind !== 'schedule'
      ? []
      : [
          after({
            type: 'google_cloud_scheduler_job',
            name: slug(name),
            body: {
              name: names.schedule(name, trigger),
              region: names.place.region,
              schedule: trigger.cron,
              time_zone: ZONE,
              pubsub_target: {
                topic_name: names.topicPath(names.topic(trigger.topic)),
                data: Buffer.from(SIGNAL).toString('base64'),
              },
              retry_config: RETRIES,
            },
          }),
        ],
  );
}
