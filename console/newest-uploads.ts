import type { Lake } from '../cli/lake/lake.ts';
import { resultIdOf, uploadFolders } from '../functions/video/records.ts';
import { mapConcurrent } from '../shared/core/map-concurrent.ts';
import { loadSnapshot } from '../shared/delta/index.ts';
import type { ObjectStore } from '../shared/storage/object-store.ts';
import type { EventRow, UploadKey } from './api-types.ts';
import { newestPage, parseCursor } from './newest-events.ts';
import { addTo, type Found, hasResult, READS_AT_A_TIME } from './upload-cards.ts';

/** Objects of one name that are looked at: results of its generations and questions. */
const MAX_OBJECTS_OF_NAME = 1_000;
const FILTERS = ['--type=video.framed', '--type=video.no-moment', '--type=video.rejected'];
const COLUMNS = ['ce_id', 'source', 'subject', 'ingest_time'];
const SOURCE = '/processVideo/';
const SUBJECT = 'objects/';

export interface NewestUploads {
  /** Latest outcome first. */
  found: Found[];
  /** Objects listed. */
  looked: number;
  next?: string;
}

/** An outcome as its event names it: not with the generation, but with an id that follows from it. */
interface Outcome extends Pick<UploadKey, 'bucket' | 'name'> {
  resultId: string;
}

/**
 * The uploads with the latest outcomes, by the events that the table has of them: a bucket lists its objects by name
 * alone. What they left is then looked up by name. Uploads whose results are gone are left out.
 * @param cursor `next` of the page before
 */
export async function newestUploads(
  lake: Lake,
  frames: ObjectStore,
  { cursor: text, limit }: { cursor: string | undefined; limit: number },
): Promise<NewestUploads> {
  const cursor = parseCursor(text);
  const { version } = await loadSnapshot(lake.location, cursor?.version, lake.signal);
  const page = await newestPage(lake, { version, cursor, columns: COLUMNS, filters: FILTERS, limit });
  const outcomes = page.rows.flatMap(outcomeOf);
  let looked = 0;
  const results = await mapConcurrent(outcomes, READS_AT_A_TIME, async ({ bucket, name, resultId }) => {
    const left = new Map<string, Found>();
    let objects = 0;
    for await (const facts of frames.list({
      prefix: uploadFolders({ bucket, name }).frames,
      signal: lake.signal,
    })) {
      if (++objects > MAX_OBJECTS_OF_NAME) break;
      addTo(left, facts);
    }
    looked += objects;
    return [...left.values()].find((one) => hasResult(one, resultId));
  });
  // an upload has an outcome for each question
  const known = new Map(results.flatMap((one) => (one ? [[resultIdOf(one), one]] : [])));
  return { found: [...known.values()], looked, ...(page.next !== undefined && { next: page.next }) };
}

/** Any producer may publish an event of these types: one that names no object is passed over. */
function outcomeOf({ ce_id: resultId, source, subject }: EventRow): Outcome[] {
  if (typeof resultId !== 'string' || typeof source !== 'string' || typeof subject !== 'string') return [];
  if (!source.startsWith(SOURCE) || !subject.startsWith(SUBJECT)) return [];
  try {
    const name = decodeURI(subject.slice(SUBJECT.length));
    return name === '' ? [] : [{ bucket: source.slice(SOURCE.length), name, resultId }];
  } catch {
    return [];
  }
}
