import { rolesOf } from '../shared/app/define-app.ts';
import type { FunctionDefinition, NamePattern } from '../shared/app/define-function.ts';
import { eventSources } from '../shared/app/trigger.ts';
import { apisOf } from './apis-of.ts';
import type { Guarded } from './cloud.ts';
import type { Condition } from './cloud-types.ts';
import { type Context, chosen } from './context.ts';
import { type AgentService, memberOf } from './names.ts';

/** One role of one account on one resource. */
export interface Wanted {
  on: Guarded;
  role: string;
  /** `serviceAccount:…`. */
  member: string;
  reason: string;
  /** Undefined for none. Only buckets have some. */
  condition?: Condition;
}

type Where = Pick<Context, 'app' | 'names' | 'options'>;

export const INVOKER = 'roles/run.invoker';

/** Roles on the project, buckets and topics, which are granted before the functions are deployed. */
export function earlyRoles(context: Where): Wanted[] {
  return [
    ...rolesOfFunctions(context, (on) => on !== 'function'),
    ...buildRoles(context),
    ...agentRoles(context),
  ];
}

/** Roles on the functions' Cloud Run services, which exist only after deployment. */
export function serviceRoles(context: Where): Wanted[] {
  return [...rolesOfFunctions(context, (on) => on === 'function'), ...callerRoles(context)];
}

/** Roles of the callers of HTTP functions. */
function callerRoles(context: Where): Wanted[] {
  return chosen(context).flatMap(({ name, trigger }) => {
    if (trigger.kind !== 'http') return [];
    const members = trigger.callers === 'all' ? ['allUsers'] : trigger.callers;
    return members.map((member) => ({
      on: { kind: 'service', name: context.names.function(name) } as const,
      role: INVOKER,
      member,
      reason: `calls ${name}`,
    }));
  });
}

/** Roles of the service agents of those Google services that the app uses. */
export function agentRoles({ app, names }: Pick<Context, 'app' | 'names'>): Wanted[] {
  const apis = apisOf(app);
  const onProject = (service: AgentService, role: string, reason: string): Wanted => ({
    on: { kind: 'project' },
    role,
    member: memberOf(names.agent(service)),
    reason,
  });
  return [
    ...(app.functions.some(isFiredByBucket)
      ? [
          onProject(
            'storage',
            'roles/pubsub.publisher',
            'Cloud Storage publishes uploads to the topic that Eventarc creates for the trigger',
          ),
        ]
      : []),
    ...AGENTS.filter(({ api }) => Object.hasOwn(apis, api)).map(({ service, role, reason }) =>
      onProject(service, role, `${reason}; Google grants this by itself`),
    ),
    ...DEAD_LETTER_TOPICS.filter((topic) => Object.hasOwn(app.topics, topic)).map((topic) => ({
      on: { kind: 'topic', name: names.topic(topic) } as const,
      role: 'roles/pubsub.publisher',
      member: memberOf(names.agent('pubsub')),
      reason: 'Pub/Sub forwards dead letters; without this role, it redelivers forever instead',
    })),
  ];
}

const isFiredByBucket = ({ trigger }: FunctionDefinition): boolean =>
  eventSources(trigger).some(({ kind }) => kind !== 'auditLog');

const DEAD_LETTER_TOPICS = ['dead-letters', 'dead-letters-unread'] as const;

const AGENTS = [
  {
    api: 'pubsub',
    service: 'pubsub',
    role: 'roles/pubsub.serviceAgent',
    reason: 'Pub/Sub signs the tokens of its pushes',
  },
  {
    api: 'eventarc',
    service: 'eventarc',
    role: 'roles/eventarc.serviceAgent',
    reason: 'Eventarc manages its topics and subscriptions',
  },
  {
    api: 'cloudscheduler',
    service: 'scheduler',
    role: 'roles/cloudscheduler.serviceAgent',
    reason: 'the scheduler publishes to the topics of its jobs',
  },
] as const;

/** On the project, because the buckets and the repository of a build get their names only with the first build. */
function buildRoles({ names }: Pick<Context, 'names'>): Wanted[] {
  const roles = [
    ['roles/storage.objectViewer', 'reads the uploaded source'],
    ['roles/artifactregistry.writer', 'stores the built image'],
    ['roles/logging.logWriter', 'writes the build log'],
  ] as const;
  const member = memberOf(names.account('build'));
  return roles.map(([role, reason]) => ({ on: { kind: 'project' }, role, member, reason }));
}

function rolesOfFunctions(context: Where, isAsked: (on: string) => boolean): Wanted[] {
  return chosen(context).flatMap((definition) => {
    const { name } = definition;
    return rolesOf(definition, context.app)
      .filter(({ on }) => isAsked(on))
      .map(({ role, on, reason, names }) => {
        const place = guarded(on, name, context);
        return {
          on: place,
          role,
          member: memberOf(context.names.account(name)),
          reason: `${name}: ${reason}`,
          ...(names && place.kind === 'bucket' && { condition: limitedTo(names, place.name) }),
        };
      });
  });
}

/** Title of the conditions that a deployment sets; others are somebody's own. */
export const CONDITION = 'names of objects';

/** https://cloud.google.com/storage/docs/access-control/iam#conditions */
function limitedTo(patterns: readonly NamePattern[], bucket: string): Condition {
  const one = ({ startsWith, endsWith }: NamePattern): string => {
    const end = `resource.name.endsWith("${endsWith}")`;
    if (startsWith === undefined) return end;
    return `resource.name.startsWith("projects/_/buckets/${bucket}/objects/${startsWith}") && ${end}`;
  };
  const all = patterns.map((pattern) => (patterns.length > 1 ? `(${one(pattern)})` : one(pattern)));
  return { title: CONDITION, expression: all.join(' || ') };
}

function guarded(on: string, name: string, { app, names }: Where): Guarded {
  if (on === 'project') return { kind: 'project' };
  if (on === 'function') return { kind: 'service', name: names.function(name) };
  return Object.hasOwn(app.buckets, on)
    ? { kind: 'bucket', name: names.bucket(on) }
    : { kind: 'topic', name: names.topic(on) };
}
