const PARTITIONS = 4096;
const EMPTY = new Uint32Array(0);

/**
 * Finds the files that may contain an id: 44 bits of its fingerprint, each with the number of a file, 8 to 10 bytes
 * per id. The first 12 bits choose one of 4,096 unsorted partitions, in which the next 32 are searched. There are
 * no false negatives; a hit must be verified.
 */
export class IdIndex {
  readonly #keys: Uint32Array[] = new Array<Uint32Array>(PARTITIONS).fill(EMPTY);
  readonly #files: Uint32Array[] = new Array<Uint32Array>(PARTITIONS).fill(EMPTY);
  readonly #lengths = new Uint32Array(PARTITIONS);
  #count = 0;

  /** Ids entered. */
  get size(): number {
    return this.#count;
  }

  /** Bytes of the tables. */
  get bytes(): number {
    return this.#keys.reduce((sum, keys) => sum + 2 * keys.byteLength, 0);
  }

  /** Enters the ids of one file, given as pairs of words. */
  add(fingerprints: Uint32Array, file: number): void {
    for (let i = 0; i < fingerprints.length; i += 2) {
      const high = fingerprints[i] as number;
      this.#enter(high >>> 20, keyOf(high, fingerprints[i + 1] as number), file);
    }
  }

  /** Numbers of the files that may hold the id. */
  find(high: number, low: number): number[] {
    const partition = high >>> 20;
    const key = keyOf(high, low);
    const keys = this.#keys[partition] as Uint32Array;
    const length = this.#lengths[partition] as number;
    const found: number[] = [];
    for (let at = keys.indexOf(key); at >= 0 && at < length; at = keys.indexOf(key, at + 1)) {
      found.push((this.#files[partition] as Uint32Array)[at] as number);
    }
    return found;
  }

  /** Every entry as three arrays, renumbered; `renumber` returning undefined drops the entry. */
  dump(renumber: (file: number) => number | undefined): {
    counts: Uint32Array;
    keys: Uint32Array;
    files: Uint32Array;
  } {
    const counts = new Uint32Array(PARTITIONS);
    const keys = new Uint32Array(this.#count);
    const files = new Uint32Array(this.#count);
    let next = 0;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const first = next;
      for (let at = 0; at < (this.#lengths[partition] as number); at++) {
        const file = renumber((this.#files[partition] as Uint32Array)[at] as number);
        if (file === undefined) continue;
        keys[next] = (this.#keys[partition] as Uint32Array)[at] as number;
        files[next++] = file;
      }
      counts[partition] = next - first;
    }
    return { counts, keys: keys.subarray(0, next), files: files.subarray(0, next) };
  }

  /** Restores an index from what `dump` returned. Throws RangeError if the arrays do not fit each other. */
  static from(counts: Uint32Array, keys: Uint32Array, files: Uint32Array): IdIndex {
    const index = new IdIndex();
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (counts.length !== PARTITIONS || keys.length !== total || files.length !== total) {
      throw new RangeError(
        `an index of ${total} ids came with ${keys.length} keys and ${files.length} files`,
      );
    }
    let next = 0;
    for (const [partition, count] of counts.entries()) {
      index.#keys[partition] = keys.slice(next, next + count);
      index.#files[partition] = files.slice(next, next + count);
      index.#lengths[partition] = count;
      next += count;
    }
    index.#count = total;
    return index;
  }

  #enter(partition: number, key: number, file: number): void {
    const length = this.#lengths[partition] as number;
    let keys = this.#keys[partition] as Uint32Array;
    if (length === keys.length) {
      const capacity = Math.ceil(length * 1.25) + 4;
      keys = this.#keys[partition] = grown(keys, capacity);
      this.#files[partition] = grown(this.#files[partition] as Uint32Array, capacity);
    }
    keys[length] = key;
    (this.#files[partition] as Uint32Array)[length] = file;
    this.#lengths[partition] = length + 1;
    this.#count++;
  }
}

function keyOf(high: number, low: number): number {
  return ((high << 12) | (low >>> 20)) >>> 0;
}

function grown(array: Uint32Array, capacity: number): Uint32Array {
  const copy = new Uint32Array(capacity);
  copy.set(array);
  return copy;
}
