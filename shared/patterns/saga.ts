/**
 * A saga is a sequence of steps in different services that either all happen, or are undone in reverse. This module
 * decides, and does nothing: given the state and what happened, it says the next state and the command to send. Write
 * both in one transaction, the command as an outbox row, and the saga survives any crash:
 *
 * - The state is stored before its command can be seen by anybody, and so is each step of the compensation.
 * - A step whose answer does not come in time may have happened or may still happen. It is undone like one that has
 *   happened, so what undoes a step must also keep it from running later.
 * - A step that cannot be refused lies behind the point of no return: it is sent again until it is answered.
 * - What undoes a step, or lies behind that point, and is not answered after several tries, parks the saga: a person
 *   has to look. The answer, should it come, still lets it go on.
 * - If somebody else undoes a step, such as a customer who cancels, the saga turns back.
 */

/** One step: types of the commands that run and undo it, and of the events that answer them. */
export interface SagaStep {
  name: string;
  /** Absent if the event that starts the saga has already done it. */
  run?: {
    command: string;
    done: string;
    /** Events that say that it has not happened and will not. Absent if it cannot be refused. */
    refused?: readonly string[];
  };
  /** Absent if nothing has to be undone. */
  undo?: { command: string; done: string };
}

export interface SagaState {
  /**
   * `completed`: every step has happened. `compensated`: every step is undone. `parked`: an answer that has to come
   * did not, after `maxTries`.
   */
  status: 'running' | 'compensating' | 'completed' | 'compensated' | 'parked';
  /** Index of the step that has been sent; -1 or the number of steps at the end. */
  step: number;
  /** True if the command that was sent undoes the step. */
  isUndoing: boolean;
  /** How often this command has been sent, from 1; 0 at the end. */
  tries: number;
  /** Milliseconds since the epoch: when the answer is overdue; undefined if none is awaited or the saga is parked. */
  deadline: number | undefined;
  /** Type of the event that turned it back, or `STEP overdue`; undefined as long as it goes forward. */
  reason: string | undefined;
  /** Names of steps that somebody else has undone. */
  undone: readonly string[];
}

export interface SagaLimits {
  /** Time for the answer to a command, in ms. */
  answerMs: number;
  /** How often a command that has to be answered is sent, 1 or more. */
  maxTries: number;
}

export interface SagaMove {
  state: SagaState;
  /** Type of the command to send; undefined at the end and for a parked saga. */
  command: string | undefined;
}

/** @example const { state, command } = startSaga(ORDER_SAGA, clock.now(), limits); */
export function startSaga(steps: readonly SagaStep[], now: number, limits: SagaLimits): SagaMove {
  return forward(steps, 0, now + limits.answerMs);
}

/** Undefined if the event is not awaited: a late answer, or one to a command that was sent twice. */
export function sagaAnswered(
  steps: readonly SagaStep[],
  state: SagaState,
  type: string,
  now: number,
  limits: SagaLimits,
): SagaMove | undefined {
  if (state.tries === 0) return undefined;
  const deadline = now + limits.answerMs;
  const { step, isUndoing, reason = type, undone } = state;
  const { run, undo } = steps[step]!;
  if (isUndoing && undo?.done === type) return backward(steps, step - 1, { reason, undone }, deadline);
  if (!isUndoing && run?.done === type) return forward(steps, step + 1, deadline);
  if (!isUndoing && run?.refused?.includes(type)) {
    return backward(steps, step - 1, { reason, undone }, deadline);
  }
  const other = steps.slice(0, step + 1).find((one) => one.undo?.done === type);
  if (other === undefined || undone.includes(other.name)) return undefined;
  const known = { reason, undone: [...undone, other.name] };
  if (isUndoing) return { state: { ...state, ...known }, command: undefined };
  return backward(steps, step, known, deadline);
}

/** Call it at or after `deadline`. Undefined if no answer is overdue. */
export function sagaOverdue(
  steps: readonly SagaStep[],
  state: SagaState,
  now: number,
  limits: SagaLimits,
): SagaMove | undefined {
  if (state.deadline === undefined || now < state.deadline) return undefined;
  const deadline = now + limits.answerMs;
  const { step, isUndoing, tries, undone } = state;
  const { name, run, undo } = steps[step]!;
  if (!isUndoing && run?.refused) {
    return backward(steps, step, { reason: `${name} overdue`, undone }, deadline);
  }
  if (tries >= limits.maxTries) {
    return { state: { ...state, status: 'parked', deadline: undefined }, command: undefined };
  }
  const command = isUndoing ? undo?.command : run?.command;
  return { state: { ...state, tries: tries + 1, deadline }, command };
}

/** The first step from `from` on that has a command. */
function forward(steps: readonly SagaStep[], from: number, deadline: number): SagaMove {
  const step = steps.findIndex(({ run }, index) => index >= from && run !== undefined);
  const common = { isUndoing: false, reason: undefined, undone: [] };
  if (step === -1) {
    const state = { ...common, status: 'completed', step: steps.length, tries: 0 } as const;
    return { state: { ...state, deadline: undefined }, command: undefined };
  }
  const state = { ...common, status: 'running', step, tries: 1, deadline } as const;
  return { state, command: steps[step]!.run!.command };
}

/** The first step from `from` down that has to be undone. */
function backward(
  steps: readonly SagaStep[],
  from: number,
  known: Pick<SagaState, 'reason' | 'undone'>,
  deadline: number,
): SagaMove {
  const step = steps.findLastIndex(
    ({ name, undo }, index) => index <= from && undo !== undefined && !known.undone.includes(name),
  );
  const common = { ...known, isUndoing: true, step };
  if (step === -1) {
    const state = { ...common, status: 'compensated', tries: 0, deadline: undefined } as const;
    return { state, command: undefined };
  }
  const state = { ...common, status: 'compensating', tries: 1, deadline } as const;
  return { state, command: steps[step]!.undo!.command };
}
