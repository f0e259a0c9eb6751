import type { FunctionDefinition, Instance } from '../../shared/app/define-function.ts';
import { isEventSource } from '../../shared/app/trigger.ts';
import { type CloudFunction, shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, inRegion, type Part } from '../context.ts';
import { encryptedWith } from '../encryption.ts';
import { environmentDifferences, environmentFlags, type Planned } from '../function-env.ts';
import { secretsHere } from '../secrets.ts';
import type { Arg, Step } from '../step.ts';
import { type Pair, triggerFlags, triggerPairs } from './triggers.ts';

/** https://cloud.google.com/functions/docs/runtime-support: supported until 2028-04-30. */
export const RUNTIME = 'nodejs24';

export const functions: Part = {
  title: 'functions',
  async plan(plain) {
    const secrets = new Set((await secretsHere(plain)).map(({ name }) => name));
    const context = { ...plain, secrets };
    const there = new Map((await context.cloud.functions()).map((one) => [shortName(one.name), one]));
    const remade = await functionsMadeAnew(context);
    const steps = chosen(context).flatMap((one): Step[] => {
      const id = context.names.function(one.name);
      const found = there.get(id);
      const why = remade.get(id);
      if (why !== undefined) return anew(one, why, context);
      const differs = found ? differences(found, one, context) : ['it does not exist'];
      if (differs.length === 0) return [];
      return [deploy(found ? 'update' : 'create', differs.join('; '), one, context, found)];
    });
    // the first build makes Google's buckets and repository of the region: several at once race for them
    return there.size > 0
      ? steps
      : steps.map((step, index) => (index === 0 ? { ...step, isAlone: true } : step));
  },
};

function deploy(
  verb: 'create' | 'update',
  why: string,
  wanted: FunctionDefinition,
  context: Planned<Context>,
  found?: CloudFunction,
): Step {
  return {
    verb,
    what: `function ${context.names.function(wanted.name)}`,
    why,
    command: deployCommand(wanted, context, found),
    lane: context.names.function(wanted.name),
  };
}

/** Functions to delete and create again, with the reasons. Their policies are deleted with them. */
export async function functionsMadeAnew(context: Context): Promise<ReadonlyMap<string, string>> {
  const { cloud, names } = context;
  const there = new Map((await cloud.functions()).map((one) => [shortName(one.name), one]));
  const triggers = new Set((await cloud.triggers()).map((one) => shortName(one.name)));
  const reasons = new Map<string, string>();
  for (const one of chosen(context)) {
    const id = names.function(one.name);
    const found = there.get(id);
    const why = found && whyAnew(found, one, triggers);
    if (why !== undefined) reasons.set(id, why);
  }
  return reasons;
}

/** Why it must be created again: a deployment cannot change the kind of a trigger, or restore a deleted one. */
function whyAnew(
  { state, eventTrigger }: CloudFunction,
  { trigger }: FunctionDefinition,
  triggers: ReadonlySet<string>,
): string | undefined {
  if (!isEventSource(trigger)) {
    return (
      eventTrigger &&
      'Eventarc triggers it; from now on HTTP requests will, from its own subscription or its callers'
    );
  }
  if (!eventTrigger) return 'HTTP requests trigger it; from now on Eventarc will';
  // a deployment updates the trigger that the function names, and creates none if that is gone
  const path = state === 'ACTIVE' ? eventTrigger.trigger : undefined;
  return path && !triggers.has(shortName(path))
    ? 'its trigger was deleted; only a new function gets one'
    : undefined;
}

function anew(wanted: FunctionDefinition, why: string, context: Planned<Context>): Step[] {
  const id = context.names.function(wanted.name);
  return [
    {
      verb: 'delete',
      what: `function ${id}`,
      why,
      command: ['functions', 'delete', id, '--gen2', inProject(context), inRegion(context)],
      lane: id,
    },
    deploy('create', 'to replace it', wanted, context),
  ];
}

function deployCommand(wanted: FunctionDefinition, context: Planned<Context>, found?: CloudFunction): Arg[] {
  const { name, trigger, instance } = wanted;
  const { names, source } = context;
  const { project } = names.place;
  const account = names.account(name);
  return [
    ...['functions', 'deploy', names.function(name), inProject(context), inRegion(context), '--gen2'],
    ...[`--runtime=${RUNTIME}`, '--source=.', `--entry-point=${name}`],
    ...appFlags(context),
    ...keyFlags(context),
    ...[`--memory=${instance.memory}`, `--cpu=${instance.cpu}`, `--concurrency=${instance.concurrency}`],
    ...[
      '--min-instances=0',
      `--max-instances=${mostInstances(instance, context)}`,
      `--timeout=${instance.timeoutSeconds}s`,
    ],
    `--service-account=${account}`,
    `--build-service-account=projects/${project}/serviceAccounts/${names.account('build')}`,
    ...triggerFlags(name, trigger, names, found),
    ...environmentFlags(wanted, context, found),
    `--update-labels=commit=${source.commit},source=${source.hash},deployment=${names.place.prefix}`,
  ];
}

/** Without the option, a function keeps the key that it has. */
function keyFlags(context: Context): Arg[] {
  const found = encryptedWith(context);
  if (found === undefined) return [];
  return [`--kms-key=${found.kmsKey}`, `--docker-repository=${found.repository}`];
}

/** Flags that select the app for the build, and upload only its sources. */
function appFlags({ source: { app } }: Context): Arg[] {
  if (app === undefined) return [];
  return [{ flag: '--ignore-file', content: app.ignoreFile }, `--set-build-env-vars=PIPELINE_APP=${app.dir}`];
}

/** Differences that require a new deployment. A new commit counts only if it changes the source. */
export function differences(
  found: CloudFunction,
  wanted: FunctionDefinition,
  context: Planned<Context>,
): string[] {
  const { name, trigger, instance } = wanted;
  const { names, source } = context;
  const account = names.account(name);
  const { serviceConfig: service = {}, buildConfig: build = {}, labels = {} } = found;
  const key = encryptedWith(context);
  const builder = `projects/${names.place.project}/serviceAccounts/${names.account('build')}`;
  const pairs: Pair[] = [
    ['state', found.state, 'ACTIVE'],
    ['source', labels['source'], source.hash],
    ['deployment', labels['deployment'], names.place.prefix],
    ['runtime', build.runtime, RUNTIME],
    ['entry point', build.entryPoint, name],
    ['builder', build.serviceAccount, builder],
    ['app', build.environmentVariables?.['PIPELINE_APP'], source.app?.dir],
    ...(key === undefined
      ? []
      : [
          ['key', found.kmsKeyName, key.kmsKey] satisfies Pair,
          ['repository', build.dockerRepository, key.repository] satisfies Pair,
        ]),
    ['memory', sameMemory(service.availableMemory, instance.memory), instance.memory],
    ['CPU', Number(service.availableCpu), instance.cpu],
    ['concurrency', service.maxInstanceRequestConcurrency ?? 1, instance.concurrency],
    ['minimum instances', service.minInstanceCount ?? 0, 0],
    ['maximum instances', service.maxInstanceCount, mostInstances(instance, context)],
    ['timeout', service.timeoutSeconds, instance.timeoutSeconds],
    ['service account', service.serviceAccountEmail, account],
    ...triggerPairs(found, name, trigger, names),
  ];
  const differing = pairs
    .filter(([, is, wanted]) => is !== wanted)
    .map(([what, is, wanted]) => `${what} is ${is ?? 'not set'}, not ${wanted ?? 'set'}`);
  return [...differing, ...environmentDifferences(service, wanted, context)];
}

export const mostInstances = ({ maxInstances }: Instance, { options }: Pick<Context, 'options'>): number =>
  Math.min(maxInstances, options.maxInstances ?? maxInstances);

/** The service may return 1024Mi for 1Gi. */
function sameMemory(found: string | undefined, wanted: string): string | undefined {
  return found !== undefined && mebibytes(found) === mebibytes(wanted) ? wanted : found;
}

function mebibytes(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(Mi|Gi)$/.exec(text) ?? [];
  return Number(count) * (unit === 'Gi' ? 1_024 : 1);
}
