import type { FunctionName, Trigger } from '../../functions/triggers.ts';
import { type CloudFunction, shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, inRegion, type Part } from '../context.ts';
import type { Names } from '../names.ts';
import type { Step } from '../step.ts';

/** https://cloud.google.com/functions/docs/runtime-support: to 2028-04-30. */
const RUNTIME = 'nodejs24';
/** What was made or granted a moment ago is not yet known everywhere: to the trigger, to the build. */
export const PASSES = new RegExp(
  [
    'gserviceaccount\\.com does not exist',
    'Eventarc Service Agent',
    'unable to publish to Cloud Pub/Sub topics',
    'Permission .* denied on resource .*(bucket|topic)',
    'does not have storage\\.objects\\.get access',
    'missing permission on the build service account',
    'must grant Storage Object Viewer',
    'Unable to retrieve the repository metadata',
    'not yet (available|propagated)',
    'unable to queue the operation',
    'repositor.*already exists',
  ].join('|'),
  'i',
);

export const functions: Part = {
  title: 'functions',
  async plan(context) {
    const there = new Map((await context.cloud.functions()).map((one) => [shortName(one.name), one]));
    const fired = new Set((await context.cloud.triggers()).map((one) => shortName(one.name)));
    return chosen(context).flatMap(([name, trigger]): Step[] => {
      const found = there.get(context.names.function(name));
      // A deployment updates the trigger that a function says it has, and makes none in its place.
      const path = found?.state === 'ACTIVE' ? found.eventTrigger?.trigger : undefined;
      if (path && !fired.has(shortName(path))) return anew(name, trigger, context);
      const differs = found ? differences(found, name, trigger, context) : ['it is not there'];
      if (differs.length === 0) return [];
      return [deploy(found ? 'update' : 'create', differs.join('; '), name, trigger, context)];
    });
  },
};

function deploy(
  verb: 'create' | 'update',
  why: string,
  name: FunctionName,
  trigger: Trigger,
  context: Context,
): Step {
  return {
    verb,
    what: `function ${context.names.function(name)}`,
    why,
    command: deployCommand(name, trigger, context),
    lane: context.names.function(name),
    retryOn: PASSES,
  };
}

function anew(name: FunctionName, trigger: Trigger, context: Context): Step[] {
  const id = context.names.function(name);
  return [
    {
      verb: 'delete',
      what: `function ${id}`,
      why: 'somebody deleted its trigger, which comes with a new function alone',
      command: ['functions', 'delete', id, '--gen2', inProject(context), inRegion(context)],
      lane: id,
    },
    deploy('create', 'with a trigger', name, trigger, context),
  ];
}

function deployCommand(name: FunctionName, trigger: Trigger, context: Context): string[] {
  const { names, source } = context;
  const { region, project } = names.place;
  const account = names.account(name);
  return [
    ...['functions', 'deploy', names.function(name), inProject(context), inRegion(context), '--gen2'],
    ...[`--runtime=${RUNTIME}`, '--source=.', `--entry-point=${name}`],
    ...(trigger.retry ? ['--retry'] : []),
    ...[`--memory=${trigger.memory}`, `--cpu=${trigger.cpu}`, `--concurrency=${trigger.concurrency}`],
    ...[
      '--min-instances=0',
      `--max-instances=${mostInstances(trigger, context)}`,
      `--timeout=${trigger.timeoutSeconds}s`,
    ],
    ...[`--service-account=${account}`, `--trigger-service-account=${account}`],
    `--build-service-account=projects/${project}/serviceAccounts/${names.account('build')}`,
    ...['--ingress-settings=internal-only', '--no-allow-unauthenticated'],
    ...[`--trigger-location=${region}`, triggerFlag(trigger, names)],
    `--set-env-vars=${listFlag(environment(context))}`,
    `--update-labels=commit=${source.commit},source=${source.hash},deployment=${names.place.prefix}`,
  ];
}

function triggerFlag({ source, eventType }: Trigger, names: Names): string {
  if ('topic' in source) return `--trigger-topic=${names.sourceTopic(source)}`;
  return `--trigger-event-filters=type=${eventType},bucket=${names.bucket('raw')}`;
}

/** The environment of every function, which refuses to start where one of these would feed another. */
export function environment({
  names,
  settings,
}: Pick<Context, 'names' | 'settings'>): Record<string, string> {
  return {
    ...settings,
    GOOGLE_CLOUD_PROJECT: names.place.project,
    RAW_BUCKET: names.bucket('raw'),
    FRAMES_BUCKET: names.bucket('frames'),
    STATE_BUCKET: names.bucket('state'),
    LAKE_BUCKET: names.bucket('lake'),
    EVENTS_TOPIC: names.topicPath(names.topic('events')),
    MAINTENANCE_TOPIC: names.topicPath(names.topic('maintenance')),
    DEAD_LETTER_TOPIC: names.topicPath(names.topic('dead-letters')),
    REPLAY_TOPIC_PREFIX: names.replayPrefix,
  };
}

/** `^;^A=1;B=2`: gcloud's way to have commas in values. */
function listFlag(values: Record<string, string>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  const between = [',', ';', '|', '@@', '##', '~~~'].find(
    (mark) => !pairs.some((pair) => pair.includes(mark)),
  );
  if (between === undefined) throw new Error('settings have every mark that gcloud could separate them by');
  return between === ',' ? pairs.join(',') : `^${between}^${pairs.join(between)}`;
}

/** What makes it be deployed again. A new commit alone does not: only what it changed in the source does. */
export function differences(
  found: CloudFunction,
  name: FunctionName,
  trigger: Trigger,
  context: Context,
): string[] {
  const { names, source } = context;
  const account = names.account(name);
  const {
    serviceConfig: service = {},
    buildConfig: build = {},
    eventTrigger: fired = {},
    labels = {},
  } = found;
  const builder = `projects/${names.place.project}/serviceAccounts/${names.account('build')}`;
  const pairs: [what: string, found: unknown, wanted: unknown][] = [
    ['state', found.state, 'ACTIVE'],
    ['source', labels['source'], source.hash],
    ['deployment', labels['deployment'], names.place.prefix],
    ['runtime', build.runtime, RUNTIME],
    ['entry point', build.entryPoint, name],
    ['builder', build.serviceAccount, builder],
    ['memory', sameMemory(service.availableMemory, trigger.memory), trigger.memory],
    ['CPU', Number(service.availableCpu), trigger.cpu],
    ['concurrency', service.maxInstanceRequestConcurrency ?? 1, trigger.concurrency],
    ['least instances', service.minInstanceCount ?? 0, 0],
    ['most instances', service.maxInstanceCount, mostInstances(trigger, context)],
    ['timeout', service.timeoutSeconds, trigger.timeoutSeconds],
    ['service account', service.serviceAccountEmail, account],
    ['ingress', service.ingressSettings, 'ALLOW_INTERNAL_ONLY'],
    ['retry', fired.retryPolicy, 'RETRY_POLICY_RETRY'],
    ["trigger's account", fired.serviceAccountEmail, account],
    ["trigger's region", fired.triggerRegion, names.place.region],
    ['event type', fired.eventType, trigger.eventType],
    ['event source', sourceOf(fired, trigger), sourceWanted(trigger, names)],
  ];
  const told = pairs
    .filter(([, is, wanted]) => is !== wanted)
    .map(([what, is, wanted]) => `${what} is ${is ?? 'not set'}, not ${wanted}`);
  return [...told, ...environmentDifferences(service.environmentVariables ?? {}, environment(context))];
}

const mostInstances = ({ maxInstances }: Trigger, { options }: Context): number =>
  Math.min(maxInstances, options.maxInstances ?? maxInstances);

/** The service may say 1024Mi of what was given as 1Gi. */
function sameMemory(found: string | undefined, wanted: string): string | undefined {
  return found !== undefined && mebibytes(found) === mebibytes(wanted) ? wanted : found;
}

function mebibytes(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(Mi|Gi)$/.exec(text) ?? [];
  return Number(count) * (unit === 'Gi' ? 1_024 : 1);
}

/** A trigger of a bucket has a topic, too: the one that Eventarc made to carry its events. */
function sourceOf(
  { pubsubTopic, eventFilters }: NonNullable<CloudFunction['eventTrigger']>,
  { source }: Trigger,
): string | undefined {
  if ('topic' in source) return pubsubTopic;
  return eventFilters?.find(({ attribute }) => attribute === 'bucket')?.value;
}

function sourceWanted({ source }: Trigger, names: Names): string {
  return 'topic' in source ? names.topicPath(names.sourceTopic(source)) : names.bucket('raw');
}

function environmentDifferences(found: Record<string, string>, wanted: Record<string, string>): string[] {
  // the platform's own
  const { LOG_EXECUTION_ID: _, ...own } = found;
  const all = [...new Set([...Object.keys(own), ...Object.keys(wanted)])].sort();
  const differing = all.filter((key) => own[key] !== wanted[key]);
  return differing.length === 0 ? [] : [`settings differ: ${differing.join(', ')}`];
}
