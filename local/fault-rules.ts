/** Requests that a fault affects. */
export interface FaultSchedule {
  /** Matching requests that pass before it starts. Default 0. */
  skip?: number;
  /** Requests it affects before it ends. Default 1. */
  times?: number | null;
}

export interface FaultRules<Fault extends FaultSchedule, Request> {
  add(fault: Fault): void;
  clear(): void;
  list(): (Fault & { met: number })[];
  /** The fault for this request, if any: the one added first wins. */
  take(request: Request): Fault | undefined;
}

/** Faults set on a local server of any kind; `times` is null or negative for no end. */
export function createFaultRules<Fault extends FaultSchedule, Request>(
  matches: (fault: Fault, request: Request) => boolean,
): FaultRules<Fault, Request> {
  let rules: { fault: Fault; seen: number; met: number }[] = [];
  return {
    add: (fault) => rules.push({ fault, seen: 0, met: 0 }),
    clear() {
      rules = [];
    },
    list: () => rules.map(({ fault, met }) => ({ ...fault, met })),
    take(request) {
      for (const rule of rules) {
        const { skip = 0, times = 1 } = rule.fault;
        if (times !== null && times >= 0 && rule.met >= times) continue;
        if (!matches(rule.fault, request)) continue;
        if (rule.seen++ < skip) continue;
        rule.met++;
        return rule.fault;
      }
      return undefined;
    },
  };
}
