import type { Clock } from '../../shared/core/clock.ts';
import { AppError } from '../../shared/core/errors.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';

/** Something that can happen next: a request reaches storage, its answer arrives, or a sleeper wakes. */
interface Step {
  owner: string;
  /** For a sleeper: when. */
  at?: number;
  run(): void | Promise<void>;
}

export interface SimulationOptions {
  random: () => number;
  /** Share of requests that fail, and as many again that are carried out without an answer. */
  faults?: number;
  /** The owner dies as it sends this request (from 0); the request still arrives, or does not. */
  crash?: { owner: string; request: number; arrives: boolean };
  /** Called when a write has taken effect. */
  onWritten?: (name: string) => void;
}

/**
 * Runs concurrent code one step at a time, in an order drawn by `random`: every request takes effect at one moment and is
 * answered at a later one, and all others may happen between. Time passes only when a sleeper is woken. Each process is
 * an owner with its own store and clock; one that has died gets no more answers.
 */
export class Simulation {
  readonly #steps: Step[] = [];
  readonly #dead = new Set<string>();
  readonly #requests = new Map<string, number>();
  #now = Date.UTC(2026, 0, 1);
  /** Steps so far. */
  count = 0;
  readonly #options: SimulationOptions;

  constructor(options: SimulationOptions) {
    this.#options = options;
  }

  isDead(owner: string): boolean {
    return this.#dead.has(owner);
  }

  requestsOf(owner: string): number {
    return this.#requests.get(owner) ?? 0;
  }

  clock(owner: string): Clock {
    return {
      now: () => this.#now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const step: Step = { owner, at: this.#now + ms, run: resolve };
          this.#steps.push(step);
          const leave = (): void => {
            const place = this.#steps.indexOf(step);
            if (place >= 0) this.#steps.splice(place, 1);
            reject(signal?.reason);
          };
          signal?.addEventListener('abort', leave, { once: true });
        }),
    };
  }

  store(owner: string, inner: ObjectStore): ObjectStore {
    const run = <T>(act: () => Promise<T>): Promise<T> => this.#request(owner, act);
    const written = async <T extends { kind: string }>(name: string, act: () => Promise<T>): Promise<T> => {
      const outcome = await act();
      if (outcome.kind === 'written') this.#options.onWritten?.(name);
      return outcome;
    };
    return {
      bucket: inner.bucket,
      stat: (name, options) => run(() => inner.stat(name, options)),
      get: (name, options) => run(() => inner.get(name, options)),
      getRange: (name, offset, length, options) => run(() => inner.getRange(name, offset, length, options)),
      putIfAbsent: (name, body, options) =>
        run(() => written(name, () => inner.putIfAbsent(name, body, options))),
      replaceIf: (name, generation, body, options) =>
        run(() => written(name, () => inner.replaceIf(name, generation, body, options))),
      delete: (name, options) => run(() => inner.delete(name, options)),
      async *list(options) {
        yield* await run(async () => {
          const found: ObjectFacts[] = [];
          for await (const facts of inner.list(options)) found.push(facts);
          return found;
        });
      },
    };
  }

  /** Takes steps until `isDone`; false if `limit` steps were not enough. */
  async run(isDone: () => boolean, limit: number): Promise<boolean> {
    for (; this.count < limit; this.count++) {
      // whatever follows from the last step happens in turns of the event loop
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (isDone()) return true;
      const step = this.#next();
      if (step === undefined) continue;
      if (step.at !== undefined) this.#now = Math.max(this.#now, step.at);
      await step.run();
    }
    return false;
  }

  /** Any request or answer, or now and then the sleeper whose time comes first. */
  #next(): Step | undefined {
    const live = this.#steps.filter(({ owner, at }) => at === undefined || !this.#dead.has(owner));
    const sleepers = live.filter(({ at }) => at !== undefined);
    const first = sleepers.reduce<Step | undefined>(
      (best, step) => (best === undefined || (step.at ?? 0) < (best.at ?? 0) ? step : best),
      undefined,
    );
    const requests = live.filter(({ at }) => at === undefined);
    // requests are faster than most sleeps
    const isSleeper = requests.length === 0 || this.#options.random() < 0.1;
    const step = isSleeper && first ? first : requests[Math.floor(this.#options.random() * requests.length)];
    if (step) this.#steps.splice(this.#steps.indexOf(step), 1);
    return step;
  }

  #request<T>(owner: string, act: () => Promise<T>): Promise<T> {
    const { random, faults = 0, crash } = this.#options;
    if (this.#dead.has(owner)) return new Promise(() => {});
    const number = this.requestsOf(owner);
    this.#requests.set(owner, number + 1);
    if (crash?.owner === owner && crash.request === number) {
      this.#dead.add(owner);
      // a request that was sent may arrive whenever it likes
      if (crash.arrives) this.#steps.push({ owner, run: () => void act().catch(() => undefined) });
      return new Promise(() => {});
    }
    return new Promise((resolve, reject) => {
      const answer = (run: () => void): void => {
        this.#steps.push({ owner, run: () => (this.#dead.has(owner) ? undefined : run()) });
      };
      const run = async (): Promise<void> => {
        const draw = random();
        if (draw < faults) {
          answer(() => reject(new AppError('unavailable', 'nothing was done')));
          return;
        }
        try {
          const outcome = await act();
          if (draw < 2 * faults) answer(() => reject(new AppError('timeout', 'no answer came')));
          else answer(() => resolve(outcome));
        } catch (error) {
          answer(() => reject(error));
        }
      };
      this.#steps.push({ owner, run });
    });
  }
}
