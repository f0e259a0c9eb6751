/** Keeps an even sample of a stream of items: at most twice the requested number while they arrive. */
export class EvenSample<T> {
  readonly #limit: number;
  #kept: T[] = [];
  #stride = 1;
  #count = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  add(item: T): void {
    if (this.#count % this.#stride === 0) this.#kept.push(item);
    this.#count++;
    if (this.#kept.length > 2 * this.#limit) {
      this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
      this.#stride *= 2;
    }
  }

  /** `first` plus the sample, thinned evenly to the limit, both ends included. */
  preceded(first: T): T[] {
    const all = [first, ...this.#kept];
    if (all.length <= this.#limit) return all;
    if (this.#limit === 1) return [first];
    return Array.from(
      { length: this.#limit },
      (_, index) => all[Math.round((index * (all.length - 1)) / (this.#limit - 1))]!,
    );
  }
}
