/** When a fault is met. */
export interface FaultSchedule {
  /** Matching requests that pass before it begins. Default 0. */
  skip?: number;
  /** Requests it meets before it ends. Default 1. */
  times?: number | null;
}

export interface FaultRules<Fault extends FaultSchedule, Request> {
  add(fault: Fault): void;
  clear(): void;
  list(): (Fault & { met: number })[];
  /** The fault that this request meets, if any: the first one added wins. */
  take(request: Request): Fault | undefined;
}

/** The faults a local server was asked for, whatever it serves; `times` without an end is null or negative. */
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
