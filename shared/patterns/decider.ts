import { AppError } from '../core/errors.ts';
import { append, type NewEvent, NO_EVENTS, read, type StoredEvent } from './event-store.ts';
import type { Sql } from './sql.ts';

export type Decision<Event, Rejection> =
  /** No events: there is nothing left to do, as when a command is repeated. */
  { kind: 'accepted'; events: readonly Event[] } | { kind: 'rejected'; reason: Rejection };

/** The rules of one kind of stream. Pure. https://thinkbeforecoding.com/post/2021/12/17/functional-event-sourcing-decider */
export interface Decider<State, Command, Event extends NewEvent, Rejection> {
  initial: State;
  /** A number of the state's shape: snapshots of another shape are not read. Change it with `State` or `evolve`. */
  shape: number;
  decide(command: Command, state: State): Decision<Event, Rejection>;
  evolve(state: State, event: Event): State;
}

export interface Loaded<State> {
  state: State;
  /** 0 if there is no such stream. */
  version: number;
}

export type Carried<State, Rejection> = Loaded<State> &
  /** `events`: the new ones, none if there was nothing left to do. `version` and `state` are those after them. */
  ({ kind: 'accepted'; events: StoredEvent[] } | { kind: 'rejected'; reason: Rejection });

export interface CarryOptions {
  /** A snapshot is stored every so many versions. Default 50. */
  snapshotEvery?: number;
}

const SNAPSHOT_EVERY = 50;
/** Each conflict means that another writer got on, so this many in a row need as many other writers. */
const TRIES = 50;

/** Current state of a stream: from its snapshot, if there is one, and the events since. */
export async function load<State, Command, Event extends NewEvent, Rejection>(
  sql: Sql,
  { initial, shape, evolve }: Decider<State, Command, Event, Rejection>,
  stream: string,
): Promise<Loaded<State>> {
  const { rows } = await sql.query<{ version: number; state: State }>(
    'select version, state from snapshots where stream = $1 and shape = $2',
    [stream, shape],
  );
  const { version, state } = rows[0] ?? { version: NO_EVENTS, state: initial };
  const events = await read(sql, stream, version + 1);
  return { version: version + events.length, state: events.reduce(evolving(evolve), state) };
}

/**
 * Decides a command on the current state of a stream and appends the events. If another writer was faster, it decides
 * again on the new state, in the same transaction: no change of another's is lost or overwritten.
 *
 * @example
 * const carried = await database.transaction((sql) => carryOut(sql, orders, 'ord-1', { type: 'confirm' }));
 * if (carried.kind === 'rejected') return refuse(carried.reason);
 */
export async function carryOut<State, Command, Event extends NewEvent, Rejection>(
  sql: Sql,
  decider: Decider<State, Command, Event, Rejection>,
  stream: string,
  command: Command,
  { snapshotEvery = SNAPSHOT_EVERY }: CarryOptions = {},
): Promise<Carried<State, Rejection>> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { state, version } = await load(sql, decider, stream);
    const decision = decider.decide(command, state);
    if (decision.kind === 'rejected') return { ...decision, state, version };
    if (decision.events.length === 0) return { kind: 'accepted', events: [], state, version };
    const appended = await append(sql, stream, version, decision.events);
    if (appended.kind === 'conflict') continue;
    const after = decision.events.reduce(evolving(decider.evolve), state);
    const passed = Math.floor(appended.version / snapshotEvery) > Math.floor(version / snapshotEvery);
    if (passed) await store(sql, stream, decider.shape, { state: after, version: appended.version });
    return { kind: 'accepted', events: appended.events, state: after, version: appended.version };
  }
  throw new AppError(
    'unavailable',
    `stream must be free within ${TRIES} tries, got another writer each time`,
  );
}

const SNAPSHOT = `
insert into snapshots (stream, version, shape, state) values ($1, $2, $3, $4)
on conflict (stream) do update set version = excluded.version, shape = excluded.shape, state = excluded.state`;

async function store<State>(
  sql: Sql,
  stream: string,
  shape: number,
  { state, version }: Loaded<State>,
): Promise<void> {
  await sql.query(SNAPSHOT, [stream, version, shape, JSON.stringify(state)]);
}

/** Stored events of a stream were all made by its decider, so they have its types. */
function evolving<State, Event extends NewEvent>(evolve: (state: State, event: Event) => State) {
  return (state: State, event: NewEvent): State => evolve(state, event as Event);
}
