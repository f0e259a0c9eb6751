/** Bits of an H.264 or HEVC unit, without its emulation prevention bytes. Reads zeros past the end. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Headers are short: at most 4 KiB of a unit are read. */
  static ofUnit(unit: Uint8Array, headerBytes: number): BitReader {
    const kept: number[] = [];
    let zeros = 0;
    for (const byte of unit.subarray(headerBytes, 4_096)) {
      if (zeros >= 2 && byte === 3) {
        zeros = 0;
        continue;
      }
      zeros = byte === 0 ? zeros + 1 : 0;
      kept.push(byte);
    }
    return new BitReader(Uint8Array.from(kept));
  }

  /** True if the reader went past the end: its results are meaningless. */
  get ended(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  skip(bits: number): void {
    this.#at += bits;
  }

  /** At most 31 bits. */
  read(bits: number): number {
    let value = 0;
    for (let one = 0; one < bits; one++) value = value * 2 + this.#bit();
    return value;
  }

  /** An unsigned Exp-Golomb code, `ue(v)`. */
  golomb(): number {
    let zeros = 0;
    while (zeros < 32 && !this.ended && this.#bit() === 0) zeros++;
    return 2 ** zeros - 1 + this.read(Math.min(zeros, 31));
  }

  #bit(): number {
    const byte = this.#bytes[this.#at >> 3] ?? 0;
    const bit = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at++;
    return bit;
  }
}
