import type { Clock } from '../../core/clock.ts';
import { DeltaError } from '../delta-error.ts';
import { checkpointPath, commitPath, objectName, type TableLocation } from './paths.ts';

/** Far below the shortest retention of the log, and far above the time a recursive deletion takes to begin. */
const ANCHOR_MS = 60_000;

/**
 * Notices that the table's folder was deleted under a running writer. The next version then looks free, but a log
 * without a beginning is unreadable. Two commits must still exist: the newest known one, and one from about a minute
 * ago, since a deletion that lists first spares what is written after its listing.
 */
export class LogWitness {
  #anchor: { version: number; at: number } | undefined;

  readonly #location: TableLocation;
  readonly #clock: Clock;

  constructor(location: TableLocation, clock: Clock) {
    this.#location = location;
    this.#clock = clock;
  }

  /** Call when the snapshot was loaded again. */
  reset(): void {
    this.#anchor = undefined;
  }

  /** `newest` is undefined while its commit is in flight. Throws `table-not-found`. */
  async check(newest: number | undefined): Promise<void> {
    const anchor = this.#anchor;
    const versions = new Set([newest, anchor?.version].filter((version) => version !== undefined));
    await Promise.all([...versions].map((version) => this.#mustBeThere(version)));
    const isOld = anchor === undefined || this.#clock.now() - anchor.at > ANCHOR_MS;
    if (newest !== undefined && isOld) this.#anchor = { version: newest, at: this.#clock.now() };
  }

  async #mustBeThere(version: number): Promise<void> {
    const { store, path } = this.#location;
    // a checkpoint stands for its commit, which other engines may have cleaned up
    for (const file of [commitPath(version), checkpointPath(version)]) {
      if ((await store.stat(objectName(this.#location, file))) !== undefined) return;
    }
    throw new DeltaError(
      'table-not-found',
      `version ${version} of ${store.bucket}/${path} is gone from its log: the table was deleted while a writer was running`,
    );
  }
}
