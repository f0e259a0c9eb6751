/**
 * Unpacks an LZ4 block (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), Parquet's LZ4_RAW. `size` is what
 * it must come to. Throws RangeError for anything else; time and memory grow with `size` alone.
 */
export function unpackLz4(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let from = 0;
  let to = 0;
  const byte = (): number => {
    const value = input[from++];
    if (value === undefined) throw new RangeError(`LZ4 block ends at byte ${input.length} inside a sequence`);
    return value;
  };
  const length = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let total = nibble;
    for (;;) {
      const more = byte();
      total += more;
      if (total > size) throw new RangeError(`LZ4 block must have ${size} bytes, got a run of ${total}`);
      if (more < 255) return total;
    }
  };
  while (from < input.length) {
    const token = byte();
    const literals = length(token >> 4);
    if (from + literals > input.length || to + literals > size) {
      throw new RangeError(`LZ4 block has ${literals} literals at byte ${from} of ${input.length}`);
    }
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // the last sequence is literals alone
    if (from === input.length) break;
    const offset = byte() | (byte() << 8);
    const match = length(token & 15) + 4;
    if (offset === 0 || offset > to || to + match > size) {
      throw new RangeError(
        `LZ4 block copies ${match} bytes from offset ${offset} back at byte ${to} of ${size}`,
      );
    }
    // byte by byte: a copy may reach into what it writes
    for (let end = to + match; to < end; to++) output[to] = output[to - offset] as number;
  }
  if (to !== size) throw new RangeError(`LZ4 block must have ${size} bytes, got ${to}`);
  return output;
}
