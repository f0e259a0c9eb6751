/**
 * CRC32C (Castagnoli), eight bytes per step: the checksum that Cloud Storage keeps of every object (RFC 4960,
 * appendix B, describes the polynomial).
 */
const TABLES = makeTables();

function makeTables(): readonly Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[byte] = crc >>> 0;
  }
  const tables = [first];
  for (let step = 1; step < 8; step++) {
    const last = tables[step - 1]!;
    tables.push(Uint32Array.from(last, (crc) => ((crc >>> 8) ^ first[crc & 0xff]!) >>> 0));
  }
  return tables;
}

/** The checksum of `previous`'s bytes followed by `bytes`; unsigned 32 bits. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let crc = ~previous;
  let at = 0;
  for (const stop = bytes.length - 7; at < stop; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      t7![low & 0xff]! ^
      t6![(low >>> 8) & 0xff]! ^
      t5![(low >>> 16) & 0xff]! ^
      t4![low >>> 24]! ^
      t3![bytes[at + 4]!]! ^
      t2![bytes[at + 5]!]! ^
      t1![bytes[at + 6]!]! ^
      t0![bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0![(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

/** In Cloud Storage's notation: base64 of the four big-endian bytes. */
export function crc32cText(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

/** The base64 text of the checksum of `bytes`. */
export function crc32cOf(bytes: Uint8Array): string {
  return crc32cText(crc32c(bytes));
}
