import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Attempt {
  /** RFC 3339. */
  at: string;
  /** HTTP status, or what happened instead of an answer. */
  result: number | string;
}

/** One event on its way to one function. */
export interface Delivery {
  /** Stable over restarts: the event's id and the function's name. */
  id: string;
  function: string;
  headers: Record<string, string>;
  body: string;
  attempts: Attempt[];
  /** Milliseconds since the epoch: not tried again before. */
  notBefore: number;
}

/**
 * Deliveries on disk, one file each, replaced at once: what is pending here is tried again after a restart,
 * and what was given up is kept under `dead-letters`.
 */
export class DeliveryStore {
  private readonly pending: string;
  private readonly dead: string;

  constructor(dir: string) {
    this.pending = join(dir, 'pending');
    this.dead = join(dir, 'dead-letters');
    mkdirSync(this.pending, { recursive: true });
    mkdirSync(this.dead, { recursive: true });
  }

  loadPending(): Delivery[] {
    return readdirSync(this.pending)
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(join(this.pending, file), 'utf8')) as Delivery);
  }

  save(delivery: Delivery): void {
    replace(join(this.pending, `${delivery.id}.json`), delivery);
  }

  settle(delivery: Delivery): void {
    rmSync(join(this.pending, `${delivery.id}.json`), { force: true });
  }

  /** Dead first, then no longer pending: a crash between the two leaves it in both, never in neither. */
  giveUp(delivery: Delivery): string {
    const file = join(this.dead, `${delivery.id}.json`);
    replace(file, delivery);
    this.settle(delivery);
    return file;
  }

  deadLetters(): Delivery[] {
    return readdirSync(this.dead)
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(join(this.dead, file), 'utf8')) as Delivery);
  }
}

function replace(file: string, value: unknown): void {
  writeFileSync(`${file}.next`, JSON.stringify(value));
  renameSync(`${file}.next`, file);
}
