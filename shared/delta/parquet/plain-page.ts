import type { CompressionCodec } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { decompressors } from './codec.ts';

/** Texts that are looked for among values given as UTF-8. */
export class ByteSet {
  readonly #byStart = new Map<number, { text: string; bytes: Buffer }[]>();

  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const bytes = Buffer.from(text);
      const same = this.#byStart.get(startOf(bytes, 0, bytes.length));
      if (same) same.push({ text, bytes });
      else this.#byStart.set(startOf(bytes, 0, bytes.length), [{ text, bytes }]);
    }
  }

  /** The text that `data` holds from `start` to `end`, if it is one of these. */
  match(data: Uint8Array, start = 0, end = data.length): string | undefined {
    const candidates = this.#byStart.get(startOf(data, start, end));
    return candidates?.find(({ bytes }) => bytes.compare(data, start, end) === 0)?.text;
  }
}

/**
 * Those of the texts that are values of a page with plain byte arrays, found without making values of them
 * all; undefined for a page in another form. Throws RangeError if lengths lead out of the page.
 */
export function findInPage(
  page: ArrayBuffer,
  codec: CompressionCodec,
  sought: ByteSet,
): string[] | undefined {
  const reader = { view: new DataView(page), offset: 0 };
  const {
    type,
    data_page_header_v2: header,
    uncompressed_page_size,
    compressed_page_size,
  } = parquetHeader(reader);
  if (type !== 'DATA_PAGE_V2' || header?.encoding !== 'PLAIN') return undefined;
  const levels = header.definition_levels_byte_length + header.repetition_levels_byte_length;
  const stored = new Uint8Array(page, reader.offset + levels, compressed_page_size - levels);
  const isPlain = header.is_compressed === false;
  const data = isPlain
    ? stored
    : decompressPage(stored, uncompressed_page_size - levels, codec, decompressors);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const found: string[] = [];
  let at = 0;
  for (let value = 0; value < header.num_values - header.num_nulls; value++) {
    const start = at + 4;
    const end = start + view.getUint32(at, true);
    if (end > data.length) throw new RangeError(`a value ends at byte ${end} of ${data.length}`);
    const text = sought.match(data, start, end);
    if (text !== undefined) found.push(text);
    at = end;
  }
  return found;
}

function startOf(data: Uint8Array, start: number, end: number): number {
  let word = 0;
  for (let at = start; at < end && at < start + 4; at++) word = (word << 8) | (data[at] as number);
  return word;
}
