import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { eventTypeOf, isEventSource } from '../../shared/app/trigger.ts';
import { type Context, chosen } from '../context.ts';
import { encryptedWith } from '../encryption.ts';
import { environment, type Planned, secretPaths, secretVersions } from '../function-env.ts';
import { Names } from '../names.ts';
import { wantedTriggers } from '../parts/event-triggers.ts';
import { mostInstances, RUNTIME } from '../parts/functions.ts';
import { filtersOf, ingressOf, RETRIED } from '../parts/triggers.ts';
import { IMAGES } from './encryption.ts';
import { type Body, expression, hashOf, type Json, slug } from './expressions.ts';
import { triggerSlug } from './names.ts';
import { addressOf, after, type Resource } from './resource.ts';

/** Bucket and object with the source of a function's build, and the commit that it is labelled with. */
export interface Archive {
  bucket: string;
  object: string;
  commit: string;
  /** True if a function was deployed from it. */
  isKept?: true;
}

type Where = Planned<Pick<Context, 'app' | 'names' | 'options' | 'settings' | 'source'>>;

/** @param archiveOf the archive that a function, by its name in the cloud, is built from */
export const functions = (context: Where, archiveOf: (id: string) => Archive): Resource[] =>
  chosen(context).map((one) => functionResource(one, context, archiveOf));

function functionResource(
  one: FunctionDefinition,
  context: Where,
  archiveOf: (id: string) => Archive,
): Resource {
  const { names, source } = context;
  const { name, trigger, instance } = one;
  const id = new Names(names.place).function(name);
  const { commit, isKept, ...archive } = archiveOf(id);
  const key = encryptedWith(context);
  return after({
    type: 'google_cloudfunctions2_function',
    name: slug(name),
    body: {
      name: id,
      location: names.place.region,
      ...(key && { kms_key_name: key.kmsKey }),
      build_config: {
        runtime: RUNTIME,
        entry_point: name,
        service_account: `projects/${names.place.project}/serviceAccounts/${names.account('build')}`,
        ...(key && { docker_repository: expression(`${addressOf(IMAGES)}.id`) }),
        ...(source.app && { environment_variables: { PIPELINE_APP: source.app.dir } }),
        source: { storage_source: archive },
      },
      service_config: {
        available_memory: instance.memory,
        available_cpu: String(instance.cpu),
        max_instance_request_concurrency: instance.concurrency,
        min_instance_count: 0,
        max_instance_count: mostInstances(instance, context),
        timeout_seconds: instance.timeoutSeconds,
        service_account_email: names.account(name),
        ingress_settings: ingressOf(trigger),
        all_traffic_on_latest_revision: true,
        environment_variables: environment(one, context),
        ...secrets(one, context),
      },
      ...eventTrigger(one, context),
      labels: { commit, source: source.hash, deployment: names.place.prefix },
      // the provider does not import labels, and would write the same ones again
      ...(isKept && { lifecycle: { ignore_changes: ['labels', 'terraform_labels'] } }),
    },
  });
}

function secrets(one: FunctionDefinition, context: Where): Body {
  // as gcloud sends it
  const project_id = context.names.place.projectNumber;
  const variables = Object.entries(secretVersions(one, context)).map(([key, held]): Json => {
    const [secret = '', version = ''] = held.split(':');
    return { key, project_id, secret, version };
  });
  const volumes = secretPaths(one, context).map(([path, held]): Json => {
    const [secret = '', version = ''] = held.split(':');
    const end = path.lastIndexOf('/');
    return {
      mount_path: path.slice(0, end),
      project_id,
      secret,
      versions: { version, path: path.slice(end) },
    };
  });
  return {
    ...(variables.length > 0 && { secret_environment_variables: variables }),
    ...(volumes.length > 0 && { secret_volumes: volumes }),
  };
}

function eventTrigger({ name, trigger }: FunctionDefinition, { names }: Pick<Where, 'names'>): Body {
  if (!isEventSource(trigger)) return {};
  const { type: _, ...filters } = filtersOf(trigger, names);
  return {
    event_trigger: {
      event_type: eventTypeOf(trigger),
      event_filters: Object.entries(filters).map(([attribute, value]) => ({ attribute, value })),
      trigger_region: names.place.region,
      service_account_email: names.account(name),
      retry_policy: RETRIED,
    },
  };
}

/** Triggers that are resources of their own, beside the function's service. */
export function eventTriggers(context: Pick<Context, 'app' | 'names' | 'options'>): Resource[] {
  const { names } = context;
  const { region } = names.place;
  return chosen(context).flatMap((one) =>
    wantedTriggers(one, names).map(({ filters }) =>
      after({
        type: 'google_eventarc_trigger',
        name: triggerSlug(one.name, filters),
        body: {
          // as in the other way to deploy, whose names follow from the filters
          name: names.triggerPrefix(one.name) + hashOf(JSON.stringify(filters)),
          location: region,
          matching_criteria: Object.entries(filters).map(([attribute, value]) => ({ attribute, value })),
          destination: { cloud_run_service: { service: names.function(one.name), region } },
          service_account: names.account(one.name),
        },
      }),
    ),
  );
}
