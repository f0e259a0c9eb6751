import { type EventSource, eventTypeOf, isEventSource, type Trigger } from '../../shared/app/trigger.ts';
import type { CloudFunction } from '../cloud-types.ts';
import type { Names } from '../names.ts';

/** A property's name, its deployed value and its wanted value. */
export type Pair = [what: string, found: unknown, wanted: unknown];

/**
 * Flags for a function's trigger and ingress. Roles on its service decide who may call it. A deployment that names the
 * trigger of an existing function replaces it, and its subscription with what that has not delivered: so flags of the
 * trigger are given only if it differs.
 * @param found the deployed function, if there is one
 */
export function triggerFlags(
  name: string,
  trigger: Trigger,
  names: Names,
  found: CloudFunction | undefined,
): string[] {
  // only our subscription calls it, as the function's own account
  const isInside = ['--ingress-settings=internal-only', '--no-allow-unauthenticated'];
  if (trigger.kind === 'http') {
    // without the flag, every deployment would remove the public binding until our own step restores it
    const who = trigger.callers === 'all' ? '--allow-unauthenticated' : '--no-allow-unauthenticated';
    return [...(found ? [] : ['--trigger-http']), '--ingress-settings=all', who];
  }
  if (!isEventSource(trigger)) return [...(found ? [] : ['--trigger-http']), ...isInside];
  const fired = found?.eventTrigger;
  const isSame = sourcePairs(fired, name, trigger, names).every(([, is, wanted]) => is === wanted);
  const isRetried = fired?.retryPolicy === RETRIED;
  // a deployment that failed may have made the function without its trigger
  if (isSame && fired?.trigger !== undefined) return [...(isRetried ? [] : ['--retry']), ...isInside];
  const filters = Object.entries(filtersOf(trigger, names));
  return [
    '--retry',
    `--trigger-service-account=${names.account(name)}`,
    ...isInside,
    `--trigger-location=${names.place.region}`,
    `--trigger-event-filters=${filters.map((filter) => filter.join('=')).join(',')}`,
  ];
}

export const ingressOf = ({ kind }: Trigger): string =>
  kind === 'http' ? 'ALLOW_ALL' : 'ALLOW_INTERNAL_ONLY';

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
  const ingress = ingressOf(trigger);
  if (!isEventSource(trigger)) return [['ingress', ingressSettings, ingress]];
  return [
    ['ingress', ingressSettings, ingress],
    ['retry', fired?.retryPolicy, RETRIED],
    ...sourcePairs(fired, name, trigger, names),
  ];
}

export const RETRIED = 'RETRY_POLICY_RETRY';

/** What only another trigger can change. */
function sourcePairs(
  fired: CloudFunction['eventTrigger'],
  name: string,
  trigger: EventSource,
  names: Names,
): Pair[] {
  const found = new Map(fired?.eventFilters?.map(({ attribute, value }) => [attribute, value]));
  const { type: _, ...filters } = filtersOf(trigger, names);
  return [
    ["trigger's account", fired?.serviceAccountEmail, names.account(name)],
    ["trigger's region", fired?.triggerRegion, names.place.region],
    ['event type', fired?.eventType, eventTypeOf(trigger)],
    ...Object.entries(filters).map(
      ([attribute, value]): Pair => [
        attribute === 'bucket' ? 'event source' : attribute,
        found.get(attribute),
        value,
      ],
    ),
  ];
}
