/** Bytes of the beginning that are inspected here. */
export const STATED_BYTES = 4_096;

/**
 * The end of a file as its container states it in its first bytes: the size of AVI's first RIFF chunk, or of
 * Matroska's segment. Undefined if it is not stated, as in live recordings.
 */
export function statedEnd(container: 'avi' | 'matroska', head: Uint8Array): number | undefined {
  return container === 'avi' ? riffEnd(head) : segmentEnd(head);
}

function riffEnd(head: Uint8Array): number | undefined {
  if (head.length < 8) return undefined;
  const size = new DataView(head.buffer, head.byteOffset).getUint32(4, true);
  // written by muxers that could not seek back
  return size === 0 || size === 0xffffffff ? undefined : size + 8;
}

/**
 * Seconds of the first video stream of an AVI, by the largest frame count that the file states: a recorder that was
 * stopped, or a writer that counts fields, leaves too few in one place. (ffmpeg reports the duration of the longest
 * stream.) Undefined if not stated. `indexed`: entries of its index.
 */
export function aviVideoSeconds(head: Uint8Array, indexed = 0): number | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const header = bytes.indexOf('vids', 0, 'latin1');
  if (header < 8 || bytes.toString('latin1', header - 8, header - 4) !== 'strh') return undefined;
  if (header + 36 > bytes.length) return undefined;
  const [scale, rate, stated] = [20, 24, 32].map((at) => bytes.readUInt32LE(header + at)) as [
    number,
    number,
    number,
  ];
  const frames = Math.max(stated, indexed, openDmlFrames(bytes));
  return scale > 0 && rate > 0 && frames > 0 ? (frames * scale) / rate : undefined;
}

/** Frames in all RIFF chunks, by OpenDML's extended header; 0 if there is none. */
function openDmlFrames(head: Buffer): number {
  const at = head.indexOf('dmlh', 0, 'latin1');
  return at < 0 || at + 12 > head.length ? 0 : head.readUInt32LE(at + 8);
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

/** An EBML size, whose first byte gives its length (RFC 8794, section 4); all ones mean unknown. */
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
