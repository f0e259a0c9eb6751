/** Responses by status code; 0 if the connection was closed without one. */
export class StatusCounts {
  #counts: Record<string, number> = {};

  add(status: number): void {
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
  }

  read(): Record<string, number> {
    return { ...this.#counts };
  }

  reset(): void {
    this.#counts = {};
  }
}
