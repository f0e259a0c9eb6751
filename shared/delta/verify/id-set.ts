import { createHash } from 'node:crypto';

const WORDS = 4;

/**
 * Maps ids to a number, in 20 bytes a slot with at least two slots an id. Ids are compared by 128 bits of their
 * SHA-256, which no two ids share in practice.
 */
export class IdSet {
  #keys = new Uint32Array(1_024 * WORDS);
  /** The number plus one; 0 marks an empty slot. */
  #owners = new Uint32Array(1_024);
  #size = 0;

  /** The number the id already has; if it has none, assigns `owner` and returns undefined. */
  add(id: string, owner: number): number | undefined {
    if (this.#size * 2 >= this.#owners.length) this.#grow();
    const digest = createHash('sha256').update(id).digest();
    const [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readUInt32BE(at)) as [
      number,
      number,
      number,
      number,
    ];
    const place = this.#placeOf(a, b, c, d);
    const known = this.#owners[place] as number;
    if (known > 0) return known - 1;
    this.#enter(place, a, b, c, d, owner + 1);
    this.#size++;
    return undefined;
  }

  #enter(place: number, a: number, b: number, c: number, d: number, owner: number): void {
    const at = place * WORDS;
    this.#keys[at] = a;
    this.#keys[at + 1] = b;
    this.#keys[at + 2] = c;
    this.#keys[at + 3] = d;
    this.#owners[place] = owner;
  }

  /** The slot that holds the id, or the empty slot for it. */
  #placeOf(a: number, b: number, c: number, d: number): number {
    const keys = this.#keys;
    const owners = this.#owners;
    const mask = owners.length - 1;
    for (let place = a & mask; ; place = (place + 1) & mask) {
      if (owners[place] === 0) return place;
      const at = place * WORDS;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return place;
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const owners = this.#owners;
    this.#keys = new Uint32Array(keys.length * 2);
    this.#owners = new Uint32Array(owners.length * 2);
    for (let place = 0; place < owners.length; place++) {
      if (owners[place] === 0) continue;
      const at = place * WORDS;
      const [a = 0, b = 0, c = 0, d = 0] = keys.subarray(at, at + WORDS);
      this.#enter(this.#placeOf(a, b, c, d), a, b, c, d, owners[place] as number);
    }
  }
}
