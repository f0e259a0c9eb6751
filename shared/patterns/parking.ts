/**
 * Events of one subject in their own order, for a consumer that gets them in any: an event whose predecessors have not
 * come is set aside, and runs right after the last of them. Each type comes at most once per subject.
 *
 * Failing the delivery instead would not do: with an ordering key, it holds back the predecessor as well.
 */

/** The types that must have come before each type; a type that is not listed waits for none. */
export type Predecessors = Readonly<Record<string, readonly string[]>>;

export interface Admitted<E> {
  /** Events to run now, in this order: the one that has come, and those that waited for it. Empty if it has to wait. */
  ready: E[];
  /** Parked events that go on waiting, with the one that has come if it has to wait. */
  waiting: E[];
}

/**
 * `seen` are the types that have run, `parked` the events that wait.
 *
 * @example
 * const { ready, waiting } = admit(RULES, { seen: new Set(['order.created']), parked }, event);
 */
export function admit<E extends { type: string }>(
  rules: Predecessors,
  { seen, parked }: { seen: ReadonlySet<string>; parked: readonly E[] },
  event: E,
): Admitted<E> {
  const run = new Set(seen);
  const ready: E[] = [];
  let waiting = [...parked, event];
  for (;;) {
    const next = waiting.find(({ type }) => missing(rules, run, type).length === 0);
    if (next === undefined) return { ready, waiting };
    waiting = waiting.filter((one) => one !== next);
    ready.push(next);
    run.add(next.type);
  }
}

/** The predecessors of a type that have not run. */
export function missing(rules: Predecessors, seen: ReadonlySet<string>, type: string): string[] {
  const before = Object.hasOwn(rules, type) ? rules[type]! : [];
  return before.filter((one) => !seen.has(one));
}

/** Throws a TypeError if a type waits for itself, directly or through others: such events would never run. */
export function checkPredecessors(rules: Predecessors): void {
  const open = new Map(Object.entries(rules).map(([type, before]) => [type, new Set(before)] as const));
  for (;;) {
    const free = [...open].find(([, before]) => [...before].every((one) => !open.has(one)));
    if (free === undefined) break;
    open.delete(free[0]);
  }
  if (open.size === 0) return;
  throw new TypeError(
    `no type may wait for itself, got ${[...open.keys()].join(', ')}, which wait for one another`,
  );
}
