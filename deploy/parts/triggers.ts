import { type EventSource, eventTypeOf, isEventSource, type Trigger } from '../../shared/app/trigger.ts';
import type { CloudFunction } from '../cloud-types.ts';
import type { Names } from '../names.ts';

/** A property's name, its deployed value and its wanted value. */
export type Pair = [what: string, found: unknown, wanted: unknown];

/** Flags for a function's trigger and ingress. Roles on its service decide who may call it. */
export function triggerFlags(name: string, trigger: Trigger, names: Names): string[] {
  // only our subscription calls it, as the function's own account
  const isInside = ['--ingress-settings=internal-only', '--no-allow-unauthenticated'];
  if (trigger.kind === 'http') {
    // without the flag, every deployment would remove the public binding until our own step restores it
    const who = trigger.callers === 'all' ? '--allow-unauthenticated' : '--no-allow-unauthenticated';
    return ['--trigger-http', '--ingress-settings=all', who];
  }
  if (!isEventSource(trigger)) return ['--trigger-http', ...isInside];
  const filters = Object.entries(filtersOf(trigger, names));
  return [
    '--retry',
    `--trigger-service-account=${names.account(name)}`,
    ...isInside,
    `--trigger-location=${names.place.region}`,
    `--trigger-event-filters=${filters.map((filter) => filter.join('=')).join(',')}`,
  ];
}

/** Eventarc's filters; all match exactly. */
export function filtersOf(source: EventSource, names: Names): Record<string, string> {
  const type = eventTypeOf(source);
  return source.kind === 'auditLog'
    ? { type, serviceName: source.service, methodName: source.method }
    : { type, bucket: names.bucket(source.bucket) };
}

export function triggerPairs(
  { serviceConfig: { ingressSettings } = {}, eventTrigger: fired }: CloudFunction,
  name: string,
  trigger: Trigger,
  names: Names,
): Pair[] {
  const ingress = trigger.kind === 'http' ? 'ALLOW_ALL' : 'ALLOW_INTERNAL_ONLY';
  if (!isEventSource(trigger)) return [['ingress', ingressSettings, ingress]];
  return [
    ['ingress', ingressSettings, ingress],
    ['retry', fired?.retryPolicy, 'RETRY_POLICY_RETRY'],
    ["trigger's account", fired?.serviceAccountEmail, names.account(name)],
    ["trigger's region", fired?.triggerRegion, names.place.region],
    ['event type', fired?.eventType, eventTypeOf(trigger)],
    ...sourcePairs(fired, trigger, names),
  ];
}

function sourcePairs(fired: CloudFunction['eventTrigger'], trigger: EventSource, names: Names): Pair[] {
  const found = new Map(fired?.eventFilters?.map(({ attribute, value }) => [attribute, value]));
  const { type: _, ...filters } = filtersOf(trigger, names);
  const wanted = Object.entries(filters);
  return wanted.map(([attribute, value]) => [
    attribute === 'bucket' ? 'event source' : attribute,
    found.get(attribute),
    value,
  ]);
}
