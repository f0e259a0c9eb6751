import { AppError } from '../../shared/core/errors.ts';
import type { Logger } from '../../shared/core/log.ts';
import { type Keys, readKeys } from './sources.ts';

export interface SourceKeysOptions {
  /** Reads the file with the keys; Cloud Run fetches the newest version of the secret for each read. */
  read(): Promise<string>;
  log: Logger;
  now(): number;
}

/** A removed key is refused within this time. */
const MAX_AGE_MS = 300_000;
/** Forged requests read the file no more often than this. */
const MIN_AGE_MS = 1_000;

/**
 * The keys of all sources, read again every five minutes, and after a request that no known key explains. So a new key
 * is valid with its first request. If the file cannot be read, the keys of the last read stay valid.
 */
export class SourceKeys {
  #keys: Keys | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  readonly #options: SourceKeysOptions;

  constructor(options: SourceKeysOptions) {
    this.#options = options;
  }

  /** None for a source that is not configured. Throws `unavailable` if the keys were never read. */
  async of(id: string): Promise<readonly string[]> {
    if (this.#keys === undefined || this.#age() >= MAX_AGE_MS) await this.#refresh();
    return this.#known(id);
  }

  /** The keys after reading the file again, or undefined if it was read a moment ago. */
  async again(id: string): Promise<readonly string[] | undefined> {
    if (this.#reading === undefined && this.#age() < MIN_AGE_MS) return undefined;
    await this.#refresh();
    return this.#known(id);
  }

  #age(): number {
    return this.#options.now() - this.#readAt;
  }

  #known(id: string): readonly string[] {
    if (this.#keys === undefined) throw new AppError('unavailable', 'keys of sources must be readable');
    return this.#keys.get(id) ?? [];
  }

  /** One read serves all requests that wait for it. */
  #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { log } = this.#options;
    try {
      const { keys, mistakes } = readKeys(await this.#options.read());
      this.#keys = keys;
      if (mistakes.length > 0) log.warn('keys of sources have bad lines', { mistakes });
    } catch (error) {
      log.error('keys of sources not read', error);
    }
    this.#readAt = this.#options.now();
  }
}
