export interface EffectContext {
  /** The same in every delivery of the event: 64 hex digits. Send it along if the provider knows such keys. */
  idempotencyKey: string;
  /** Aborts when the attempt's time is up. */
  signal: AbortSignal;
}

export type EffectWork<T> = (context: EffectContext) => T | Promise<T>;

export interface EffectOptions {
  /**
   * If a process died between `started` and `done`, nobody knows whether the effect happened. `again` runs `work`
   * once more with the same key, for providers that honour it. `stop` refuses the event with `effect-unknown`.
   */
  onUnknown: 'again' | 'stop';
  /** How long a process that died keeps others away. Default 30,000; renewed while `work` runs. */
  leaseMs?: number;
}
