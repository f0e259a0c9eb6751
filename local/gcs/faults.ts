import { createFaultRules, type FaultRules } from '../fault-rules.ts';
import { invalid } from './errors.ts';
import { OPERATIONS, type Operation, type Route } from './router.ts';

/** Kind of fault. `applied-…`: the request takes effect first, and the client cannot know. */
export type FaultAction =
  /** Answers with this status and does nothing else. */
  | { kind: 'status'; status: number }
  /** Closes the connection without an answer and does nothing else. */
  | { kind: 'drop' }
  /** Applies the request and answers with this status: 503, or 412 to the client's own write. */
  | { kind: 'applied-status'; status: number }
  /** Applies the request and closes the connection without an answer. */
  | { kind: 'applied-drop' }
  /** Sends this many bytes of the body, then closes the connection. */
  | { kind: 'cut'; afterBytes: number }
  /** Flips one bit of the body. */
  | { kind: 'corrupt' }
  /** Sends this many bytes of the body, then nothing more. */
  | { kind: 'stall'; afterBytes: number }
  /** Delays the answer, in ms. */
  | { kind: 'delay'; ms: number };

export interface Fault {
  action: FaultAction;
  /** Kinds of request it affects; default: all. */
  operations?: Operation[];
  bucket?: string;
  /** Affects only object names that contain this text. */
  name?: string;
  /** Matching requests that pass before it starts. Default 0. */
  skip?: number;
  /** Requests it affects before it ends; `null` means all. Default 1. */
  times?: number | null;
}

export type Faults = FaultRules<Fault, Route>;

export function createFaults(): Faults {
  return createFaultRules(({ operations, bucket, name }, route) => {
    if (operations && !operations.includes(route.operation)) return false;
    if (bucket !== undefined && bucket !== route.bucket) return false;
    return name === undefined || (route.name?.includes(name) ?? false);
  });
}

const NUMBERS = {
  status: 'status',
  'applied-status': 'status',
  cut: 'afterBytes',
  stall: 'afterBytes',
  delay: 'ms',
} as const;
const KINDS = ['drop', 'applied-drop', 'corrupt', ...Object.keys(NUMBERS)];

/** Parses an action sent by another process; throws a 400 that names what is wrong. */
export function parseAction(value: unknown): FaultAction {
  const action = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const kind = String(action['kind']);
  if (!KINDS.includes(kind)) throw invalid(`fault kind must be one of ${KINDS.join(', ')}, got ${kind}`);
  const number = NUMBERS[kind as keyof typeof NUMBERS];
  if (number !== undefined && typeof action[number] !== 'number') {
    throw invalid(`fault ${kind} needs a number ${number}, got ${JSON.stringify(action[number])}`);
  }
  return action as unknown as FaultAction;
}

export function parseFault(sent: Record<string, unknown>): Fault {
  const { operations } = sent;
  if (operations !== undefined) {
    const known =
      Array.isArray(operations) && operations.every((one) => OPERATIONS.includes(one as Operation));
    if (!known)
      throw invalid(
        `operations must be a list of ${OPERATIONS.join(', ')}, got ${JSON.stringify(operations)}`,
      );
  }
  return { ...(sent as Omit<Fault, 'action'>), action: parseAction(sent['action']) };
}
