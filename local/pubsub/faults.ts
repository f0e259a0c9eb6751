import { invalid } from './errors.ts';
import { type FieldType, readFields } from './fields.ts';
import { OPERATIONS, type Operation, type Route } from './router.ts';

/** What goes wrong. `applied-…` means that the request did its work first: the client cannot know. */
export type FaultAction =
  /** Answers with this status and does nothing. */
  | { kind: 'status'; status: number }
  /** Closes the connection unanswered and does nothing. */
  | { kind: 'drop' }
  /** Does the work and answers with this status. */
  | { kind: 'applied-status'; status: number }
  /** Does the work and closes the connection unanswered. */
  | { kind: 'applied-drop' }
  /** Answers late, ms. */
  | { kind: 'delay'; ms: number };

export interface Fault {
  action: FaultAction;
  /** Kinds of request it meets; all, where it is left out. */
  operations?: Operation[];
  /** Names of topics and subscriptions that contain this text. */
  name?: string;
  /** Matching requests that pass before it begins. Default 0. */
  skip?: number;
  /** Requests it meets before it ends; -1 means all. Default 1. */
  times?: number;
}

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  list(): (Fault & { met: number })[];
  /** The fault that this request meets, if any: the first one added wins. */
  take(route: Route): FaultAction | undefined;
}

export function createFaults(): Faults {
  let rules: { fault: Fault; seen: number; met: number }[] = [];
  return {
    add: (fault) => rules.push({ fault, seen: 0, met: 0 }),
    clear() {
      rules = [];
    },
    list: () => rules.map(({ fault, met }) => ({ ...fault, met })),
    take(route) {
      for (const rule of rules) {
        const { action, operations, name, skip = 0, times = 1 } = rule.fault;
        if (times >= 0 && rule.met >= times) continue;
        if (operations && !operations.includes(route.operation)) continue;
        if (name !== undefined && !route.name.includes(name)) continue;
        if (rule.seen++ < skip) continue;
        rule.met++;
        return action;
      }
      return undefined;
    },
  };
}

const KINDS: Record<FaultAction['kind'], string | undefined> = {
  status: 'status',
  drop: undefined,
  'applied-status': 'status',
  'applied-drop': undefined,
  delay: 'ms',
};
const FAULT: Record<string, FieldType> = {
  action: { kind: 'string', status: 'int', ms: 'int' },
  operations: 'strings',
  name: 'string',
  skip: 'int',
  times: 'int',
};

/** Reads a fault that another process sent; throws a 400 that names what is wrong. */
export function parseFault(body: unknown): Fault {
  const { action, operations, ...rest } = readFields(body, FAULT);
  const { kind, ...numbers } = (action ?? {}) as Record<string, unknown>;
  if (!Object.hasOwn(KINDS, String(kind))) {
    throw invalid(
      `fault kind is one of ${Object.keys(KINDS).join(', ')}; found ${String(kind)}`,
      'action.kind',
    );
  }
  const needed = KINDS[kind as FaultAction['kind']];
  if (needed !== undefined && numbers[needed] === undefined) {
    throw invalid(`fault ${kind} needs a number ${needed}`, `action.${needed}`);
  }
  const stranger = ((operations ?? []) as string[]).find((one) => !OPERATIONS.includes(one as Operation));
  if (stranger !== undefined) {
    throw invalid(`operations are of ${OPERATIONS.join(', ')}; found ${stranger}`, 'operations');
  }
  return {
    ...rest,
    action: { kind, ...numbers } as FaultAction,
    ...(operations !== undefined && { operations: operations as Operation[] }),
  };
}
