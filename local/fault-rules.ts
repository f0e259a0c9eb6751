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
  /** False if there is none with this id. */
  remove(id: number): boolean;
  list(): (Fault & { id: number; met: number })[];
  /** The fault for this request, if any: the one added first wins. */
  take(request: Request): Fault | undefined;
}

/** Faults set on a local server of any kind; `times` is null or negative for no end. */
export function createFaultRules<Fault extends FaultSchedule, Request>(
  matches: (fault: Fault, request: Request) => boolean,
): FaultRules<Fault, Request> {
  let rules: { id: number; fault: Fault; seen: number; met: number }[] = [];
  let last = 0;
  return {
    add(fault) {
      rules.push({ id: ++last, fault, seen: 0, met: 0 });
    },
    clear() {
      rules = [];
    },
    remove(id) {
      const before = rules.length;
      rules = rules.filter((rule) => rule.id !== id);
      return rules.length < before;
    },
    list: () => rules.map(({ id, fault, met }) => ({ ...fault, id, met })),
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
