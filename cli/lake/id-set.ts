import { createHash } from 'node:crypto';

const WORDS = 4;

/**
 * Ids and a number that goes with each, in 20 bytes a place and at least two places an id. An id counts by 128
 * bits of its SHA-256: two that share them are not to be met with.
 */
export class IdSet {
  private keys = new Uint32Array(1_024 * WORDS);
  /** The number and one; 0 for an empty place. */
  private owners = new Uint32Array(1_024);
  private size = 0;

  /** The number that the id has already; undefined where it was not there, and then it gets this one. */
  add(id: string, owner: number): number | undefined {
    if (this.size * 2 >= this.owners.length) this.grow();
    const digest = createHash('sha256').update(id).digest();
    const [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readUInt32BE(at)) as [
      number,
      number,
      number,
      number,
    ];
    const place = this.placeOf(a, b, c, d);
    const known = this.owners[place] as number;
    if (known > 0) return known - 1;
    this.enter(place, a, b, c, d, owner + 1);
    this.size++;
    return undefined;
  }

  private enter(place: number, a: number, b: number, c: number, d: number, owner: number): void {
    const at = place * WORDS;
    this.keys[at] = a;
    this.keys[at + 1] = b;
    this.keys[at + 2] = c;
    this.keys[at + 3] = d;
    this.owners[place] = owner;
  }

  /** Where the id is, or the empty place where it would be. */
  private placeOf(a: number, b: number, c: number, d: number): number {
    const { keys, owners } = this;
    const mask = owners.length - 1;
    for (let place = a & mask; ; place = (place + 1) & mask) {
      if (owners[place] === 0) return place;
      const at = place * WORDS;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return place;
    }
  }

  private grow(): void {
    const { keys, owners } = this;
    this.keys = new Uint32Array(keys.length * 2);
    this.owners = new Uint32Array(owners.length * 2);
    for (let place = 0; place < owners.length; place++) {
      if (owners[place] === 0) continue;
      const at = place * WORDS;
      const [a = 0, b = 0, c = 0, d = 0] = keys.subarray(at, at + WORDS);
      this.enter(this.placeOf(a, b, c, d), a, b, c, d, owners[place] as number);
    }
  }
}
