import { Breaker } from '../core/breaker.ts';
import { systemClock } from '../core/clock.ts';

/** Names come from code; one that is made from data must not fill the memory. */
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
