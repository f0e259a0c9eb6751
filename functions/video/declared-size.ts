/** Bytes of the beginning that `declaredEnd` looks at. */
export const DECLARED_BYTES = 256;

/**
 * Where a file of this container ends by its own account, from its first bytes: the size of AVI's first RIFF
 * chunk, or of Matroska's segment. Undefined where it does not say, as in live recordings.
 */
export function declaredEnd(container: 'avi' | 'matroska', head: Uint8Array): number | undefined {
  return container === 'avi' ? riffEnd(head) : segmentEnd(head);
}

function riffEnd(head: Uint8Array): number | undefined {
  if (head.length < 8) return undefined;
  const size = new DataView(head.buffer, head.byteOffset).getUint32(4, true);
  // What a writer that could not go back leaves there.
  return size === 0 || size === 0xffffffff ? undefined : size + 8;
}

const SEGMENT = 0x18538067;

function segmentEnd(head: Uint8Array): number | undefined {
  const header = readSize(head, 4);
  if (header?.size === undefined) return undefined;
  const segment = header.end + header.size;
  if (segment + 4 > head.length) return undefined;
  if (new DataView(head.buffer, head.byteOffset).getUint32(segment) !== SEGMENT) return undefined;
  const found = readSize(head, segment + 4);
  return found?.size === undefined ? undefined : found.end + found.size;
}

/** An EBML size, whose first byte tells its length (RFC 8794, section 4); all ones mean unknown. */
function readSize(bytes: Uint8Array, at: number): { size: number | undefined; end: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first === 0) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return undefined;
  let value = BigInt(first & (0xff >> length));
  for (let next = 1; next < length; next++) value = (value << 8n) | BigInt(bytes[at + next]!);
  const unknown = value === (1n << BigInt(7 * length)) - 1n;
  return { size: unknown ? undefined : Number(value), end: at + length };
}
