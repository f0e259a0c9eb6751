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

/** A checkpoint costs as much as its files are many: this many of them pay for one commit more to read. */
const FILES_A_COMMIT = 20;

/** What an appender does beside its commits, one thing at a time: checkpoints, and its index kept. */
export class Upkeep {
  #underWay: Promise<void> | undefined;
  #lastCheckpoint = 0;

  readonly #location: TableLocation;
  readonly #options: UpkeepOptions;

  constructor(location: TableLocation, options: UpkeepOptions) {
    this.#location = location;
    this.#options = options;
  }

  /** Called after each commit; begins what is due, unless something is under way. */
  after(tracker: IdTracker): void {
    const { checkpointEvery } = this.#options;
    if (this.#underWay || checkpointEvery === 0) return;
    const { version, files } = tracker.snapshot;
    const interval = Math.max(checkpointEvery, Math.ceil(files.size / FILES_A_COMMIT));
    // with several instances, the one that makes the round version writes it
    const isDue = version >= this.#lastCheckpoint + interval && version % checkpointEvery === 0;
    if (!isDue && !tracker.isWorthSaving) return;
    if (isDue) this.#lastCheckpoint = version;
    this.#underWay = this.#run(tracker, isDue)
      .catch(this.#options.onError)
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /** Resolves when nothing is under way. */
  async done(): Promise<void> {
    await this.#underWay;
  }

  async #run(tracker: IdTracker, isDue: boolean): Promise<void> {
    if (isDue) await writeCheckpoint(this.#location, tracker.snapshot.copy(), { clock: this.#options.clock });
    if (tracker.isWorthSaving) await tracker.save();
  }
}
