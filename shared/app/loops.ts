import type { Env } from '../core/settings.ts';
import { placeVariables } from './app-settings.ts';
import { type App, rolesOf } from './define-app.ts';
import type { FunctionDefinition } from './define-function.ts';
import { eventSources } from './trigger.ts';

/** Roles that let a function create objects or publish messages. */
const WRITES =
  /^roles\/(storage\.(objectUser|objectCreator|objectAdmin|admin)|pubsub\.(publisher|editor|admin))$/;

/**
 * Functions that may fire themselves or one another forever, by their triggers and roles. Only events without a
 * filter count: a function whose trigger has `types` chooses what it takes, and `MAX_HOPS` ends what slips through.
 * Objects have no such limit.
 */
export function cycleMistakes(app: App): string[] {
  const reach = new Map(app.functions.map((one) => [one, writtenBy(one, app)] as const));
  const mistakes = new Map<string, string>();
  for (const start of app.functions) {
    const cycle = shortestCycle(start, app, reach);
    if (!cycle) continue;
    const names = cycle.functions.map(({ name }) => name);
    const key = [...names].sort().join();
    if (!mistakes.has(key)) mistakes.set(key, describe(names, cycle.places));
  }
  return [...mistakes.values()];
}

function describe(names: readonly string[], places: readonly string[]): string {
  const end = 'say in firesItself why it ends, or remove the role';
  return names.length === 1
    ? `${names[0]}: it may write to ${places[0]}, which fires it: ${end}`
    : `${names.join(', ')}: they may fire one another forever through ${places.join(', ')}: ${end}`;
}

interface Cycle {
  functions: FunctionDefinition[];
  places: string[];
}

/** Breadth first, from a function back to itself. */
function shortestCycle(
  start: FunctionDefinition,
  { functions }: App,
  reach: ReadonlyMap<FunctionDefinition, ReadonlySet<string>>,
): Cycle | undefined {
  const paths: Cycle[] = [{ functions: [start], places: [] }];
  const seen = new Set<FunctionDefinition>();
  for (const path of paths) {
    const last = path.functions.at(-1)!;
    for (const next of functions) {
      const through = firedBy(next).find((place) => reach.get(last)?.has(place));
      if (through === undefined || seen.has(next)) continue;
      const places = [...path.places, through];
      if (next === start) return { functions: path.functions, places };
      seen.add(next);
      paths.push({ functions: [...path.functions, next], places });
    }
  }
  return undefined;
}

/** Keys of the buckets and topics of which it takes everything that is new. */
function firedBy({ trigger }: FunctionDefinition): string[] {
  if (trigger.kind === 'messagePublished') {
    return trigger.types === undefined && trigger.filter === undefined ? [trigger.topic] : [];
  }
  return eventSources(trigger).flatMap((one) => (one.kind === 'objectFinalized' ? [one.bucket] : []));
}

function writtenBy(definition: FunctionDefinition, app: App): ReadonlySet<string> {
  if (definition.firesItself !== undefined) return new Set();
  return new Set(
    rolesOf(definition, app)
      .filter(({ role }) => WRITES.test(role))
      .map(({ on }) => on),
  );
}

/**
 * Names that two buckets or topics of the app share, if one of them fires a function: what is written to the other
 * would fire it. Each function checks all names, so that a loop stops at its first event.
 */
export function sharedNameMistakes(app: App, env: Env): string[] {
  const firing = new Map(
    app.functions.flatMap((one) => firedBy(one).map((place) => [place, one.name] as const)),
  );
  for (const { name, trigger } of app.functions)
    if (trigger.kind === 'schedule') firing.set(trigger.topic, name);
  const project = env['GOOGLE_CLOUD_PROJECT'] ?? '';
  const fullName = (key: string, name: string): string =>
    Object.hasOwn(app.topics, key) && !name.includes('/') ? `projects/${project}/topics/${name}` : name;
  const places = [...placeVariables(app)].flatMap(([variable, key]) => {
    const value = env[variable]?.trim();
    return value ? [{ variable, key, value, name: fullName(key, value) }] : [];
  });
  return places.flatMap((one, index) =>
    places.slice(0, index).flatMap((other) => {
      const fired = firing.get(one.key) ?? firing.get(other.key);
      if (one.name !== other.name || fired === undefined) return [];
      return [
        `${one.variable} must differ from ${other.variable}, got ${JSON.stringify(one.value)} for both: what is written there would fire ${fired}`,
      ];
    }),
  );
}
