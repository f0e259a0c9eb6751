import { createFaultRules, type FaultRules } from '../fault-rules.ts';
import { invalid } from './errors.ts';
import { type FieldType, readFields } from './fields.ts';
import { OPERATIONS, type Operation, type Route } from './router.ts';

/** Kind of fault. `applied-…`: the request takes effect first, and the client cannot know. */
export type FaultAction =
  /** Answers with this status and does nothing else. */
  | { kind: 'status'; status: number }
  /** Closes the connection without an answer and does nothing else. */
  | { kind: 'drop' }
  /** Applies the request and answers with this status. */
  | { kind: 'applied-status'; status: number }
  /** Applies the request and closes the connection without an answer. */
  | { kind: 'applied-drop' }
  /** Delays the answer, in ms. */
  | { kind: 'delay'; ms: number };

export interface Fault {
  action: FaultAction;
  /** Kinds of request it affects; default: all. */
  operations?: Operation[];
  /** Affects only topics and subscriptions whose names contain this text. */
  name?: string;
  /** Matching requests that pass before it starts. Default 0. */
  skip?: number;
  /** Requests it affects before it ends; -1 means all. Default 1. */
  times?: number;
}

export type Faults = FaultRules<Fault, Route>;

export function createFaults(): Faults {
  return createFaultRules(({ operations, name }, route) => {
    if (operations && !operations.includes(route.operation)) return false;
    return name === undefined || route.name.includes(name);
  });
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

/** Parses a fault sent by another process; throws a 400 that names what is wrong. */
export function parseFault(body: unknown): Fault {
  const { action, operations, ...rest } = readFields(body, FAULT);
  const { kind, ...numbers } = (action ?? {}) as Record<string, unknown>;
  if (!Object.hasOwn(KINDS, String(kind))) {
    throw invalid(
      `fault kind must be one of ${Object.keys(KINDS).join(', ')}, got ${String(kind)}`,
      'action.kind',
    );
  }
  const needed = KINDS[kind as FaultAction['kind']];
  if (needed !== undefined && numbers[needed] === undefined) {
    throw invalid(`fault ${kind} needs a number ${needed}`, `action.${needed}`);
  }
  const stranger = ((operations ?? []) as string[]).find((one) => !OPERATIONS.includes(one as Operation));
  if (stranger !== undefined) {
    throw invalid(`operations must be a list of ${OPERATIONS.join(', ')}, got ${stranger}`, 'operations');
  }
  return {
    ...rest,
    action: { kind, ...numbers } as FaultAction,
    ...(operations !== undefined && { operations: operations as Operation[] }),
  };
}
