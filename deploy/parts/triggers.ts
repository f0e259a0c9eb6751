import {
  type AuditLog,
  type EventTrigger,
  eventTypeOf,
  type ObjectFinalized,
  type Trigger,
} from '../../shared/app/trigger.ts';
import type { CloudFunction } from '../cloud-types.ts';
import type { Names } from '../names.ts';

/** What is found in the cloud, what it should be, and what both are called. */
export type Pair = [what: string, found: unknown, wanted: unknown];

/** How a function's events or requests come to it, and from where; who may call it is a role on its service. */
export function triggerFlags(name: string, trigger: Trigger, names: Names): string[] {
  if (trigger.kind === 'http') {
    // gcloud would take the public binding away with each deployment, and ours would come back only after it
    const who = trigger.callers === 'all' ? '--allow-unauthenticated' : '--no-allow-unauthenticated';
    return ['--trigger-http', '--ingress-settings=all', who];
  }
  return [
    '--retry',
    `--trigger-service-account=${names.account(name)}`,
    ...['--ingress-settings=internal-only', '--no-allow-unauthenticated'],
    `--trigger-location=${names.place.region}`,
    sourceFlag(trigger, names),
  ];
}

function sourceFlag(trigger: EventTrigger, names: Names): string {
  if (trigger.kind === 'objectFinalized' || trigger.kind === 'auditLog') {
    const filters = [['type', eventTypeOf(trigger)], ...Object.entries(filtersOf(trigger, names))];
    return `--trigger-event-filters=${filters.map((filter) => filter.join('=')).join(',')}`;
  }
  return `--trigger-topic=${names.topic(trigger.topic)}`;
}

/** What Eventarc filters on beside the type, all of it exactly. */
function filtersOf(trigger: ObjectFinalized | AuditLog, names: Names): Record<string, string> {
  return trigger.kind === 'objectFinalized'
    ? { bucket: names.bucket(trigger.bucket) }
    : { serviceName: trigger.service, methodName: trigger.method };
}

export function triggerPairs(
  { serviceConfig: { ingressSettings } = {}, eventTrigger: fired }: CloudFunction,
  name: string,
  trigger: Trigger,
  names: Names,
): Pair[] {
  if (trigger.kind === 'http') {
    return [
      ['ingress', ingressSettings, 'ALLOW_ALL'],
      ['event type', fired?.eventType, undefined],
    ];
  }
  return [
    ['ingress', ingressSettings, 'ALLOW_INTERNAL_ONLY'],
    ['retry', fired?.retryPolicy, 'RETRY_POLICY_RETRY'],
    ["trigger's account", fired?.serviceAccountEmail, names.account(name)],
    ["trigger's region", fired?.triggerRegion, names.place.region],
    ['event type', fired?.eventType, eventTypeOf(trigger)],
    ...sourcePairs(fired, trigger, names),
  ];
}

/** A trigger of a bucket has a topic, too: the one that Eventarc made to carry its events. */
function sourcePairs(fired: CloudFunction['eventTrigger'], trigger: EventTrigger, names: Names): Pair[] {
  if (trigger.kind !== 'objectFinalized' && trigger.kind !== 'auditLog') {
    return [['event source', fired?.pubsubTopic, names.topicPath(names.topic(trigger.topic))]];
  }
  const found = new Map(fired?.eventFilters?.map(({ attribute, value }) => [attribute, value]));
  const wanted = Object.entries(filtersOf(trigger, names));
  return wanted.map(([attribute, value]) => [
    attribute === 'bucket' ? 'event source' : attribute,
    found.get(attribute),
    value,
  ]);
}
