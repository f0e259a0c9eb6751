/**
 * Unpacks Snappy's raw format (format_description.txt of google/snappy) into `size` bytes. The decoder that comes
 * with hyparquet takes lengths above 2^31 for negative ones and goes round in circles. Throws RangeError.
 */
export function unpackSnappy(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let from = 0;
  let to = 0;
  // the size comes first, and is known
  while (from < input.length && (input[from++] as number) >= 128);
  while (from < input.length) {
    const tag = input[from++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let length = (tag >>> 2) + 1;
      if (length > 60) {
        const bytes = length - 60;
        length = littleEndian(input, from, bytes) + 1;
        from += bytes;
      }
      if (from + length > input.length || to + length > size) throw tooLong(length);
      output.set(input.subarray(from, from + length), to);
      from += length;
      to += length;
      continue;
    }
    const bytes = kind === 3 ? 4 : kind;
    const high = kind === 1 ? (tag >>> 5) << 8 : 0;
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const distance = high + littleEndian(input, from, bytes);
    from += bytes;
    if (distance === 0 || distance > to || to + length > size) throw tooLong(length);
    // byte by byte: a copy may reach into itself
    for (const end = to + length; to < end; to++) output[to] = output[to - distance] as number;
  }
  if (to !== size) throw new RangeError(`Snappy block must have ${size} bytes, got ${to}`);
  return output;
}

function littleEndian(input: Uint8Array, at: number, bytes: number): number {
  if (at + bytes > input.length) throw new RangeError('the compressed bytes end inside a length');
  let value = 0;
  for (let index = bytes - 1; index >= 0; index--) value = value * 256 + (input[at + index] as number);
  return value;
}

function tooLong(length: number): RangeError {
  return new RangeError(`a run of ${length} bytes exceeds the page`);
}
