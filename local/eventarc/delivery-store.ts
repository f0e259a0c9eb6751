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
 * and what was given up is kept under `dead-letters`, with a mark in `unforwarded` until it has been passed on.
 */
export class DeliveryStore {
  private readonly pending: string;
  private readonly dead: string;
  private readonly unforwarded: string;

  constructor(dir: string) {
    this.pending = join(dir, 'pending');
    this.dead = join(dir, 'dead-letters');
    this.unforwarded = join(dir, 'unforwarded');
    for (const folder of [this.pending, this.dead, this.unforwarded]) mkdirSync(folder, { recursive: true });
  }

  loadPending(): Delivery[] {
    return readAll(this.pending, readdirSync(this.pending));
  }

  save(delivery: Delivery): void {
    replace(join(this.pending, `${delivery.id}.json`), delivery);
  }

  settle(delivery: Delivery): void {
    rmSync(join(this.pending, `${delivery.id}.json`), { force: true });
  }

  /** Marked, then dead, then no longer pending: a crash in between leaves it in too many places, never in none. */
  giveUp(delivery: Delivery): string {
    const file = join(this.dead, `${delivery.id}.json`);
    writeFileSync(join(this.unforwarded, `${delivery.id}.json`), '');
    replace(file, delivery);
    this.settle(delivery);
    return file;
  }

  /** Given up, and not known to have been passed on. */
  loadUnforwarded(): Delivery[] {
    const marked = new Set(readdirSync(this.unforwarded));
    return readAll(
      this.dead,
      readdirSync(this.dead).filter((file) => marked.has(file)),
    );
  }

  forwarded(delivery: Delivery): void {
    rmSync(join(this.unforwarded, `${delivery.id}.json`), { force: true });
  }

  deadLetters(): Delivery[] {
    return readAll(this.dead, readdirSync(this.dead));
  }
}

function readAll(folder: string, files: readonly string[]): Delivery[] {
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Delivery);
}

function replace(file: string, value: unknown): void {
  try {
    writeFileSync(`${file}.next`, JSON.stringify(value));
  } catch (error) {
    rmSync(`${file}.next`, { force: true });
    throw error;
  }
  renameSync(`${file}.next`, file);
}
