import type { BlockCache } from '../../../shared/storage/block-cache.ts';
import type { ByteRange } from './mp4-samples.ts';

/** If the first sample's position is unknown, it is assumed to start within this. */
const HEAD_BYTES = 64 * 1024;
/** The note precedes the first picture and is 700 bytes long. */
const SAMPLE_BYTES = 4 * 1024;

/**
 * Build number of the x264 that encoded the video, from its note in the first frame; undefined if there is none.
 * Until build 151 x264 violated the standard for 4:4:4, and decoders that have seen the note compensate: after a
 * seek they have not, and every picture is smeared.
 */
export async function x264Build(
  cache: BlockCache,
  firstSample: ByteRange | undefined,
): Promise<number | undefined> {
  const bytes = firstSample
    ? await cache.slice(firstSample.offset, SAMPLE_BYTES)
    : await cache.slice(0, HEAD_BYTES);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const build = /x264 - core (\d{1,4})/.exec(text)?.[1];
  return build === undefined ? undefined : Number(build);
}
