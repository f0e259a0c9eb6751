import type { BlockCache } from '../../../shared/storage/block-cache.ts';

/** The position of an EBML element's data (RFC 8794, section 6.2). */
export interface Element {
  id: number;
  start: number;
  /** Exclusive; the end of the parent if its size is unknown. */
  end: number;
}

/** Maximum sibling elements; entries of an index are counted separately. */
const MAX_SIBLINGS = 1_024;

/** The element at this offset of the bytes, cut at their end; undefined if there is none. */
export function readElement(bytes: Uint8Array, at: number, end = bytes.length): Element | undefined {
  const idLength = lengthOf(bytes[at]);
  if (idLength === undefined || idLength > 4 || at + idLength >= end) return undefined;
  let id = 0;
  for (let one = 0; one < idLength; one++) id = id * 256 + bytes[at + one]!;
  const sizeAt = at + idLength;
  const sizeLength = lengthOf(bytes[sizeAt]);
  if (sizeLength === undefined || sizeAt + sizeLength > end) return undefined;
  let size = bytes[sizeAt]! & (0xff >> sizeLength);
  let unknown = size === 0xff >> sizeLength;
  for (let one = 1; one < sizeLength; one++) {
    const byte = bytes[sizeAt + one]!;
    size = size * 256 + byte;
    unknown &&= byte === 0xff;
  }
  const start = sizeAt + sizeLength;
  return { id, start, end: unknown ? Number.POSITIVE_INFINITY : start + size };
}

/** Elements in bytes already read, at most `most` of them; one that extends past the end is cut there. */
export function* elementsIn(
  bytes: Uint8Array,
  most = MAX_SIBLINGS,
): Generator<{ id: number; body: Uint8Array }> {
  for (let at = 0, count = 0; at < bytes.length && count < most; count++) {
    const element = readElement(bytes, at);
    if (!element) return;
    yield { id: element.id, body: bytes.subarray(element.start, element.end) };
    at = element.end;
  }
}

/** The longest header: four bytes of id, eight of size. */
const HEADER_BYTES = 12;

/** The element at this offset of the object. */
export async function elementAt(cache: BlockCache, offset: number): Promise<Element | undefined> {
  const header = await cache.slice(offset, HEADER_BYTES);
  const element = readElement(header, 0);
  return element && { id: element.id, start: offset + element.start, end: offset + element.end };
}

export function childOf(bytes: Uint8Array, id: number): Uint8Array | undefined {
  for (const element of elementsIn(bytes)) if (element.id === id) return element.body;
  return undefined;
}

/** An unsigned integer of up to eight bytes. */
export function unsigned(body: Uint8Array | undefined): number | undefined {
  if (!body || body.length > 8) return undefined;
  return body.reduce((value, byte) => value * 256 + byte, 0);
}

/** Length in bytes of a number whose leading zeros encode it. */
function lengthOf(first: number | undefined): number | undefined {
  return first === undefined || first === 0 ? undefined : Math.clz32(first) - 23;
}
