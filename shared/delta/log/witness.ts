import type { Clock } from '../../core/clock.ts';
import { DeltaError } from '../delta-error.ts';
import { checkpointPath, commitPath, objectName, type TableLocation } from './paths.ts';

/** Far below the shortest retention of the log, and far above what a recursive deletion of it takes to begin. */
const ANCHOR_MS = 60_000;

/**
 * Notices that the table's folder was deleted under a writer that lives on. The next version then looks free, and
 * what is written there is a log without a beginning, which nobody can read. Two commits must still be there: the
 * newest known one, and one of about a minute ago, since a deletion that lists first spares what is written behind it.
 */
export class LogWitness {
  private anchor: { version: number; at: number } | undefined;

  constructor(
    private readonly location: TableLocation,
    private readonly clock: Clock,
  ) {}

  /** For a state that was loaded anew. */
  reset(): void {
    this.anchor = undefined;
  }

  /** `newest` is undefined while its commit is under way. Throws `table-not-found`. */
  async check(newest: number | undefined): Promise<void> {
    const { anchor } = this;
    const versions = new Set([newest, anchor?.version].filter((version) => version !== undefined));
    await Promise.all([...versions].map((version) => this.mustBeThere(version)));
    const isOld = anchor === undefined || this.clock.now() - anchor.at > ANCHOR_MS;
    if (newest !== undefined && isOld) this.anchor = { version: newest, at: this.clock.now() };
  }

  private async mustBeThere(version: number): Promise<void> {
    const { store, path } = this.location;
    // a checkpoint stands for its commit, which other engines may have cleaned up
    for (const file of [commitPath(version), checkpointPath(version)]) {
      if ((await store.stat(objectName(this.location, file))) !== undefined) return;
    }
    throw new DeltaError(
      'table-not-found',
      `version ${version} of ${store.bucket}/${path} is gone from its log: the table was deleted under its writer`,
    );
  }
}
