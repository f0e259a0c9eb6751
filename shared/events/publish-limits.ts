/** Limits that end loops and runaway fan-outs. */
export interface PublishLimits {
  /** Maximum number of our functions in a chain. */
  maxHops: number;
  /** Events of one type per correlation id, 1 to 10,000,000. */
  maxEventsPerCorrelation: number;
}

export const DEFAULT_LIMITS: PublishLimits = { maxHops: 16, maxEventsPerCorrelation: 1_000 };
