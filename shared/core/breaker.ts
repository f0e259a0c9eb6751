export interface Breaker {
  run<T>(work: () => Promise<T>): Promise<T>;
}
