import { AppError } from '../../../shared/core/errors.ts';
import type { BlockCache } from '../../../shared/storage/block-cache.ts';
import { readBox } from './box-tree.ts';

/** Maximum sibling boxes to walk: three or four per fragment. */
const MAX_BOXES = 20_000;
const FREE = Buffer.from('free', 'latin1');

/**
 * Hides the segment indexes (sidx) of a fragmented mp4 from an ffmpeg that misreads them: it takes the time at which
 * a segment is first shown for that at which its first sample is decoded, and so, if a segment begins with anything
 * but a keyframe, counts frames from the wrong one. Without them it reads each fragment's own time. Costs a read a
 * fragment, as such an ffmpeg does itself then. Throws `unsupported-media` if there are too many.
 */
export async function hideSegmentIndexes(cache: BlockCache, version: string): Promise<void> {
  let offset = 0;
  for (let count = 0; offset < cache.size; count++) {
    if (count === MAX_BOXES) {
      throw new AppError(
        'unsupported-media',
        `an mp4 with segment indexes must have at most ${MAX_BOXES} boxes for ffmpeg ${version}, got more: use a later ffmpeg`,
      );
    }
    const box = readBox(await cache.slice(offset, 16), offset, cache.size);
    if (!box) return;
    if (box.type === 'sidx') cache.overwrite(offset + 4, FREE);
    offset += box.size;
  }
}
