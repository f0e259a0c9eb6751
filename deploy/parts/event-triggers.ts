import type { FunctionDefinition } from '../../shared/app/define-function.ts';
import { eventSources } from '../../shared/app/trigger.ts';
import { type EventarcTrigger, shortName } from '../cloud-types.ts';
import { type Context, chosen, inProject, type Part } from '../context.ts';
import type { Names } from '../names.ts';
import type { Step } from '../step.ts';
import { filtersOf } from './triggers.ts';

/** A trigger that is a resource of its own, beside the function's service. */
export interface WantedTrigger {
  /** Follows from the filters, so that changed ones make another trigger. */
  name: string;
  filters: Readonly<Record<string, string>>;
}

/** None for a function that is deployed with its trigger. */
export function wantedTriggers({ name, trigger }: FunctionDefinition, names: Names): WantedTrigger[] {
  if (trigger.kind !== 'anyOf') return [];
  return eventSources(trigger).map((source) => {
    const filters = filtersOf(source, names);
    return { name: names.eventTrigger(name, filters), filters };
  });
}

export const eventTriggers: Part = {
  title: 'triggers of functions that have several',
  async plan(context) {
    const there = await context.cloud.triggers();
    return chosen(context).flatMap((one) => {
      if (one.trigger.kind !== 'anyOf') return [];
      const wanted = wantedTriggers(one, context.names);
      const names = new Set(wanted.map(({ name }) => name));
      const strays = there
        .map(({ name }) => shortName(name))
        .filter((name) => name.startsWith(context.names.triggerPrefix(one.name)) && !names.has(name));
      return [
        ...wanted.flatMap((each) => stepsFor(each, one.name, there, context)),
        ...strays.map((name) => remove(name, 'no option names its source any more', context)),
      ];
    });
  },
};

function stepsFor(
  wanted: WantedTrigger,
  functionName: string,
  there: readonly EventarcTrigger[],
  context: Context,
): Step[] {
  const found = there.find(({ name }) => shortName(name) === wanted.name);
  const why = found && difference(found, functionName, wanted, context);
  if (found === undefined) return [create(wanted, functionName, `fires ${functionName}`, context)];
  if (why === undefined) return [];
  return [remove(wanted.name, why, context), create(wanted, functionName, 'in its place', context)];
}

function difference(
  { serviceAccount, destination, eventFilters = [] }: EventarcTrigger,
  functionName: string,
  { filters }: WantedTrigger,
  { names }: Context,
): string | undefined {
  const found = Object.fromEntries(eventFilters.map(({ attribute, value }) => [attribute, value]));
  const service = destination?.cloudRun?.service;
  const pairs: [what: string, is: string | undefined, should: string][] = [
    ['account', serviceAccount, names.account(functionName)],
    ['service', service && shortName(service), names.function(functionName)],
    ...Object.entries(filters).map(([attribute, value]): [string, string | undefined, string] => [
      attribute,
      found[attribute],
      value,
    ]),
  ];
  const differing = pairs.filter(([, is, should]) => is !== should);
  if (differing.length === 0) return undefined;
  return differing.map(([what, is, should]) => `${what} is ${is ?? 'not set'}, not ${should}`).join('; ');
}

function create({ name, filters }: WantedTrigger, functionName: string, why: string, context: Context): Step {
  const { names } = context;
  const { region } = names.place;
  return {
    verb: 'create',
    what: `trigger ${name}`,
    why,
    command: [
      ...['eventarc', 'triggers', 'create', name, inProject(context), `--location=${region}`],
      `--destination-run-service=${names.function(functionName)}`,
      `--destination-run-region=${region}`,
      `--event-filters=${Object.entries(filters)
        .map((filter) => filter.join('='))
        .join(',')}`,
      `--service-account=${names.account(functionName)}`,
    ],
    lane: `trigger ${name}`,
  };
}

export function remove(name: string, why: string, context: Pick<Context, 'names'>): Step {
  const location = `--location=${context.names.place.region}`;
  return {
    verb: 'delete',
    what: `trigger ${name}`,
    why,
    command: ['eventarc', 'triggers', 'delete', name, inProject(context), location],
    lane: `trigger ${name}`,
  };
}
