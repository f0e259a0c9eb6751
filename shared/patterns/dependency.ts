import { Breaker } from '../core/breaker.ts';
import { systemClock } from '../core/clock.ts';

/** Bounds memory if code derives names from data. */
const MAX_BREAKERS = 1_000;

const breakers = new Map<string, Breaker>();

/** The circuit breaker of a dependency in this process. */
export function breakerOf(name: string): Breaker {
  const known = breakers.get(name) ?? new Breaker({ name, clock: systemClock });
  breakers.set(name, known);
  if (breakers.size > MAX_BREAKERS) {
    const [oldest] = breakers.keys();
    breakers.delete(oldest!);
  }
  return known;
}
