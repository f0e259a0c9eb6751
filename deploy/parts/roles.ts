import { type Guarded, guardedKey, policyCommand } from '../cloud.ts';
import type { Binding } from '../cloud-types.ts';
import { shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, type Part } from '../context.ts';
import { type AgentService, memberOf } from '../names.ts';
import { CONDITION, earlyRoles, INVOKER, serviceRoles, type Wanted } from '../roles.ts';
import { secretRoles, secretsHere } from '../secrets.ts';
import type { Arg, Step } from '../step.ts';
import { functionsMadeAnew } from './functions.ts';
import { wantedTopics } from './topics.ts';

const PUBLIC = ['allUsers', 'allAuthenticatedUsers'];

/** Granted before the functions that need them are deployed. */
export const roles: Part = {
  title: 'roles',
  changes: ['policies'],
  plan: async (context) => (await earlySteps(context)).filter((step) => !isLate(step)),
};

/** Revoked when the functions that needed them have been replaced. */
export const strayRoles: Part = {
  title: 'roles that nothing needs any more',
  changes: ['policies'],
  plan: async (context) => (await earlySteps(context)).filter(isLate),
};

/** What makes something public is revoked at once. */
const isLate = ({ verb, command }: Step): boolean =>
  verb === 'revoke' && !PUBLIC.some((member) => command.includes(`--member=${member}`));

async function earlySteps(context: Context): Promise<Step[]> {
  const { names, cloud } = context;
  const buckets = new Set((await cloud.buckets()).map(({ name }) => name));
  const topics = new Set((await cloud.topics()).map(({ name }) => shortName(name)));
  const looked: Guarded[] = [
    { kind: 'project' },
    ...Object.keys(context.app.buckets)
      .map((key) => ({ kind: 'bucket', name: names.bucket(key) }) as const)
      .filter(({ name }) => buckets.has(name)),
    ...wantedTopics(context)
      .map(([name]) => ({ kind: 'topic', name }) as const)
      .filter(({ name }) => topics.has(name)),
    ...(await secretsHere(context)),
  ];
  return roleSteps([...earlyRoles(context), ...(await secretRoles(context))], looked, context);
}

export const invokers: Part = {
  title: 'who may call the functions',
  changes: ['policies'],
  async plan(context) {
    const there = new Set((await context.cloud.functions()).map(({ name }) => shortName(name)));
    for (const name of (await functionsMadeAnew(context)).keys()) there.delete(name);
    const wanted = serviceRoles(context);
    const looked = chosen(context)
      .map(({ name }) => ({ kind: 'service', name: context.names.function(name) }) as const)
      .filter(({ name }) => there.has(name));
    return roleSteps(wanted, looked, context);
  },
};

/**
 * Plans grants of missing roles, and revocations of ours that no definition wants.
 * @param looked existing resources, whose policies are read; roles wanted on any other are missing
 */
export async function roleSteps(
  wanted: readonly Wanted[],
  looked: readonly Guarded[],
  context: Context,
): Promise<Step[]> {
  const policies = new Map<string, Binding[]>();
  await Promise.all(
    looked.map(async (one) => {
      policies.set(guardedKey(one), await context.cloud.policy(one));
    }),
  );
  const missing = wanted.filter(
    (one) => !(policies.get(guardedKey(one.on)) ?? []).some((binding) => isHeld(binding, one)),
  );
  const ours = new Set(chosen(context).map(({ name }) => memberOf(context.names.account(name))));
  ours.add(memberOf(context.names.account('build')));
  const answering = new Set(
    chosen(context)
      .filter(({ trigger }) => trigger.kind === 'http')
      .map(({ name }) => context.names.function(name)),
  );
  const strays = looked.flatMap((on) =>
    (policies.get(guardedKey(on)) ?? [])
      .filter(({ condition }) => condition === undefined || condition.title === CONDITION)
      .flatMap(({ role, members = [], condition }) =>
        members.map((member) => ({ on, role, member, ...(condition && { condition }) })),
      )
      .filter(
        ({ member, role }) =>
          ours.has(member) ||
          (on.kind !== 'project' && PUBLIC.includes(member)) ||
          // the definition lists all callers: one that is removed from it loses its role
          (on.kind === 'service' && answering.has(on.name) && role === INVOKER),
      )
      .filter((stray) => !wanted.some((one) => isSame(one, stray))),
  );
  return [
    ...missing.flatMap((one) => [...introduce(one, context), grant(one, context)]),
    ...strays.map((stray) => revoke(stray, context)),
  ];
}

type Held = Pick<Wanted, 'on' | 'role' | 'member' | 'condition'>;

const isSame = (a: Held, b: Held): boolean =>
  guardedKey(a.on) === guardedKey(b.on) &&
  a.role === b.role &&
  a.member === b.member &&
  a.condition?.expression === b.condition?.expression;

const isHeld = ({ role, members = [], condition }: Binding, wanted: Held): boolean =>
  role === wanted.role &&
  members.includes(wanted.member) &&
  condition?.expression === wanted.condition?.expression;

/** ` (names of objects)`, if the role is limited. */
const shownLimit = ({ condition }: Held): string => (condition ? ` (limited to ${condition.title})` : '');

function grant(wanted: Wanted, context: Context): Step {
  const { on, role, member, reason } = wanted;
  return {
    verb: 'grant',
    what: `${role} on ${guardedKey(on)} to ${member}${shownLimit(wanted)}`,
    why: reason,
    command: policyChange('add-iam-policy-binding', wanted, context),
    lane: guardedKey(on),
  };
}

export function revoke(held: Held, context: Pick<Context, 'names'>): Step {
  const { on, role, member } = held;
  return {
    verb: 'revoke',
    what: `${role} on ${guardedKey(on)} from ${member}${shownLimit(held)}`,
    why: PUBLIC.includes(member) ? 'its definition does not make it public' : 'no definition requires it',
    command: policyChange('remove-iam-policy-binding', held, context),
    lane: guardedKey(on),
  };
}

function policyChange(
  verb: string,
  { on, role, member, condition }: Held,
  context: Pick<Context, 'names'>,
): Arg[] {
  const command = policyCommand(on, verb, context.names.place);
  // explicit, since gcloud asks if any binding of the policy has a condition
  const none = on.kind === 'project' || on.kind === 'bucket' ? ['--condition=None'] : [];
  const limited = condition && [{ flag: '--condition-from-file', content: JSON.stringify(condition) }];
  return [...command, inProject(context), `--member=${member}`, `--role=${role}`, ...(limited ?? none)];
}

/** Google's names of the services, as far as they have agents that a deployment grants roles to. */
const API_OF_AGENT: Readonly<Record<AgentService, string>> = {
  storage: 'storage',
  pubsub: 'pubsub',
  eventarc: 'eventarc',
  scheduler: 'cloudscheduler',
  functions: 'cloudfunctions',
  run: 'run',
  artifacts: 'artifactregistry',
};

/** Google creates its service agent only when somebody asks for it. */
export function introduce({ on, member }: Wanted, context: Context): Step[] {
  if (on.kind !== 'project' && on.kind !== 'key') return [];
  const services = Object.keys(API_OF_AGENT) as AgentService[];
  const service = services.find((one) => member === memberOf(context.names.agent(one)));
  if (service === undefined) return [];
  const api = `${API_OF_AGENT[service]}.googleapis.com`;
  return [
    {
      verb: 'create',
      what: `Google's account ${member.slice('serviceAccount:'.length)}`,
      why: 'Google creates it on first use',
      command:
        service === 'storage'
          ? ['storage', 'service-agent', inProject(context)]
          : ['beta', 'services', 'identity', 'create', `--service=${api}`, inProject(context)],
      lane: guardedKey(on),
    },
  ];
}
