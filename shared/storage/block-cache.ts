/** Reads exactly `length` bytes at `offset`. */
export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;

export interface BlockCacheOptions {
  /** Size of the whole object, in bytes. */
  size: number;
  read: ReadBytes;
  /** Bytes of memory for cached pages, evicted least recently used first. Default 32 MiB. */
  maxBytes?: number;
}

const KiB = 1024;
const PAGE = 32 * KiB;
const FIRST_RUN = 128 * KiB;
const STEADY_RUN = 256 * KiB;
const LONGEST_RUN = 512 * KiB;
const TAILS_KEPT = 16;
/** After this many jumps in a row the reader is only inspecting headers, as of fragments: fetch one page each. */
const JUMPS_OF_A_READER = 6;

interface Run {
  start: number;
  end: number;
  bytes: Promise<Uint8Array>;
  done: boolean;
}

/**
 * An object's bytes, fetched on demand in runs of pages. A jump fetches little. Reading on from the end of a run
 * fetches twice what was read in sequence so far, up to 256 KiB, and after long reads up to a quarter of it and 512
 * KiB: a reader that stops has wasted little.
 */
export class BlockCache {
  readonly size: number;
  readonly #read: ReadBytes;
  readonly #maxBytes: number;
  /** By page number; every page of a run maps to it. In order of use. */
  readonly #runs = new Map<number, Run>();
  /** By the page at which a run ended: bytes read in sequence up to there. */
  readonly #tails = new Map<number, number>();
  readonly #patches: { offset: number; bytes: Uint8Array }[] = [];
  #held = 0;
  #jumps = 0;

  constructor(options: BlockCacheOptions) {
    this.size = options.size;
    this.#read = options.read;
    this.#maxBytes = options.maxBytes ?? 32 * KiB * KiB;
  }

  /** Bytes from `offset` to the end of the run that holds it: at least one, none at or past the end. */
  async from(offset: number): Promise<Uint8Array> {
    if (offset >= this.size) return new Uint8Array(0);
    const run = this.#runAt(Math.floor(offset / PAGE));
    return (await run.bytes).subarray(offset - run.start);
  }

  /** End of the cached bytes from `offset` on, without a fetch: at most `limit`. */
  cachedEnd(offset: number, limit: number): number {
    let end = offset;
    while (end < limit) {
      const run = this.#runs.get(Math.floor(end / PAGE));
      if (!run?.done) break;
      end = run.end;
    }
    return Math.min(end, limit);
  }

  /** Exactly `length` bytes from `offset`, fewer only at the object's end. */
  async slice(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const first = await this.from(offset);
    if (first.length >= wanted) return first.subarray(0, wanted);
    const whole = new Uint8Array(wanted);
    whole.set(first);
    for (let done = first.length; done < wanted; ) {
      const more = (await this.from(offset + done)).subarray(0, wanted - done);
      whole.set(more, done);
      done += more.length;
    }
    return whole;
  }

  /** From now on, shows these bytes instead of the object's at this offset, to every reader of this cache. */
  overwrite(offset: number, bytes: Uint8Array): void {
    this.#patches.push({ offset, bytes });
    for (const run of new Set(this.#runs.values())) {
      if (run.start < offset + bytes.length && offset < run.end) this.#patch(run);
    }
  }

  /** Fetches the missing parts of [offset, offset + length) in one read, if they are known to be needed. */
  async prefetch(offset: number, length: number): Promise<void> {
    const last = Math.floor((Math.min(offset + length, this.size) - 1) / PAGE);
    let page = Math.floor(offset / PAGE);
    while (page <= last && this.#runs.has(page)) page++;
    if (page <= last) await this.#fetch(page, last + 1 - page).bytes;
  }

  #runAt(page: number): Run {
    const known = this.#runs.get(page);
    if (known) {
      this.#touch(known);
      return known;
    }
    const readSoFar = this.#tails.get(page) ?? 0;
    this.#jumps = readSoFar > 0 ? 0 : this.#jumps + 1;
    const bytes =
      readSoFar > 0
        ? Math.min(2 * readSoFar, Math.max(STEADY_RUN, Math.min(LONGEST_RUN, readSoFar / 4)))
        : this.#jumps > JUMPS_OF_A_READER
          ? PAGE
          : FIRST_RUN;
    const run = this.#fetch(page, Math.floor(bytes / PAGE));
    this.#tails.delete(page);
    this.#tails.set(Math.ceil(run.end / PAGE), readSoFar + run.end - run.start);
    for (const oldest of this.#tails.keys()) {
      if (this.#tails.size <= TAILS_KEPT) break;
      this.#tails.delete(oldest);
    }
    return run;
  }

  #fetch(page: number, atMostPages: number): Run {
    const start = page * PAGE;
    let pages = 1;
    while (pages < atMostPages && !this.#runs.has(page + pages)) pages++;
    const end = Math.min(start + pages * PAGE, this.size);
    const run: Run = { start, end, bytes: this.#read(start, end - start), done: false };
    this.#held += end - start;
    this.#touch(run);
    run.bytes.then(
      () => {
        run.done = true;
      },
      // the caller awaiting the bytes gets the error; a later reader tries again
      () => this.#drop(run),
    );
    if (this.#patches.length > 0) this.#patch(run);
    this.#evict(run);
    return run;
  }

  /** A copy: the store may own the buffer it returned. */
  #patch(run: Run): void {
    const patches = this.#patches.filter(
      ({ offset, bytes }) => run.start < offset + bytes.length && offset < run.end,
    );
    if (patches.length === 0) return;
    run.bytes = run.bytes.then((stored) => {
      const copy = Uint8Array.from(stored);
      for (const { offset, bytes } of patches) {
        const from = Math.max(0, run.start - offset);
        copy.set(bytes.subarray(from, run.end - offset), Math.max(0, offset - run.start));
      }
      return copy;
    });
    run.bytes.catch(() => undefined);
  }

  #touch(run: Run): void {
    for (let page = run.start / PAGE; page * PAGE < run.end; page++) {
      this.#runs.delete(page);
      this.#runs.set(page, run);
    }
  }

  #drop(run: Run): void {
    let held = false;
    for (let page = run.start / PAGE; page * PAGE < run.end; page++) {
      if (this.#runs.get(page) === run) held = this.#runs.delete(page);
    }
    if (held) this.#held -= run.end - run.start;
  }

  #evict(keep: Run): void {
    for (const run of this.#runs.values()) {
      if (this.#held <= this.#maxBytes || run === keep) break;
      this.#drop(run);
    }
  }
}
