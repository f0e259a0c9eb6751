import type { Clock } from '../../core/clock.ts';
import type { TableLocation } from '../log/paths.ts';
import { writeCheckpoint } from '../maintenance/checkpoint.ts';
import type { IdTracker } from './id-tracker.ts';

export interface UpkeepOptions {
  clock: Clock;
  /** Commits between two checkpoints; 0 for no upkeep at all. */
  checkpointEvery: number;
  onError: (error: unknown) => void;
}

/** A checkpoint's cost grows with its files: this many cost as much as reading one more commit. */
const FILES_A_COMMIT = 20;

/** An appender's background work, one task at a time: checkpoints, and saving its index. */
export class Upkeep {
  #underWay: Promise<void> | undefined;
  #lastCheckpoint = 0;

  readonly #location: TableLocation;
  readonly #options: UpkeepOptions;

  constructor(location: TableLocation, options: UpkeepOptions) {
    this.#location = location;
    this.#options = options;
  }

  /** Called after each commit; starts what is due, unless a task is running. */
  after(tracker: IdTracker): void {
    const { checkpointEvery } = this.#options;
    if (this.#underWay || checkpointEvery === 0) return;
    const { version, files } = tracker.snapshot;
    const interval = Math.max(checkpointEvery, Math.ceil(files.size / FILES_A_COMMIT));
    // with several instances, the one that commits the round version writes it
    const isDue = version >= this.#lastCheckpoint + interval && version % checkpointEvery === 0;
    if (!isDue && !tracker.isWorthSaving) return;
    if (isDue) this.#lastCheckpoint = version;
    this.#underWay = this.#run(tracker, isDue)
      .catch(this.#options.onError)
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /** Resolves when no task is running. */
  async done(): Promise<void> {
    await this.#underWay;
  }

  async #run(tracker: IdTracker, isDue: boolean): Promise<void> {
    if (isDue) await writeCheckpoint(this.#location, tracker.snapshot.copy(), { clock: this.#options.clock });
    if (tracker.isWorthSaving) await tracker.save();
  }
}
