import { type Answer, type Call, empty, json, type Stores } from './answer.ts';
import { GcsError, invalid } from './errors.ts';
import { commitUpload, header } from './insert.ts';
import { objectResource } from './resource.ts';
import { QUANTUM, type Session } from './uploads.ts';

/** `Content-Range` of a chunk; a status query has no `start`. */
interface ChunkRange {
  start: number | undefined;
  /** Exclusive; undefined if the upload ends with this request. */
  end: number | undefined;
  total: number | undefined;
}

/** `PUT` or `DELETE` to the URL of a resumable upload: a chunk, a status query, or a cancellation. */
export async function continueResumable(stores: Stores, id: string, call: Call): Promise<Answer> {
  const session = stores.uploads.find(id);
  if (!session) {
    const done = stores.catalog.byUpload(id);
    if (done && call.method !== 'DELETE') return json(objectResource(done, call.base));
    throw new GcsError(
      404,
      'notFound',
      `No such upload: ${id} was never started, was cancelled, or is complete`,
    );
  }
  return session.exclusive(async () => {
    // an earlier request of the same session may have ended it while this one waited
    if (stores.uploads.find(id) !== session) return continueResumable(stores, id, call);
    if (call.method === 'DELETE') {
      stores.uploads.end(session, false);
      return { status: 499, headers: { 'content-length': 0 }, body: undefined };
    }
    return takeChunk(stores, session, call);
  });
}

async function takeChunk(stores: Stores, session: Session, call: Call): Promise<Answer> {
  const range = parseRange(header(call, 'content-range'));
  if (range.start === undefined) {
    for await (const _ of call.body);
    return range.total === session.size ? finish(stores, session, call) : progress(session);
  }
  if (range.start > session.size) {
    throw new GcsError(
      503,
      'backendError',
      `the chunk must start at ${session.size}, the number of stored bytes, got ${range.start}`,
    );
  }
  const before = session.size;
  let received = 0;
  const skip = before - range.start;
  const fresh = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of call.body) {
      const known = Math.max(0, Math.min(chunk.length, skip - received));
      received += chunk.length;
      if (known < chunk.length) yield chunk.subarray(known);
    }
  };
  await session.append(fresh());
  const declared = range.end === undefined ? undefined : range.end - range.start;
  if (declared !== undefined && declared !== received) {
    session.truncate(before);
    throw invalid(`Content-Range declares ${declared} bytes; the request has ${received}`);
  }
  if (range.total === undefined ? range.end === undefined : session.size >= range.total) {
    return finish(stores, session, call, range.total);
  }
  if (range.end === undefined && range.total !== undefined) {
    throw invalid(
      `Content-Range declares ${range.total} bytes in total; the upload ended after ${session.size}`,
    );
  }
  if (received < QUANTUM) {
    session.truncate(before);
    throw invalid(
      `Invalid request. The number of bytes uploaded is required to be equal or greater than ${QUANTUM}, except for the final request. The received request contained ${received} bytes.`,
    );
  }
  session.truncate(session.size - (session.size % QUANTUM));
  return progress(session);
}

async function finish(stores: Stores, session: Session, call: Call, total = session.size): Promise<Answer> {
  const { size } = session;
  const planned = session.plan.size ?? total;
  if (size !== total || size !== planned) {
    stores.uploads.end(session, false);
    throw invalid(`the upload has ${size} bytes; Content-Range declares ${total}, its start ${planned}`);
  }
  try {
    const record = commitUpload(stores, session.plan, await session.facts(), call, session.id);
    stores.uploads.end(session, true);
    return json(objectResource(record, call.base));
  } catch (error) {
    if (error instanceof GcsError) stores.uploads.end(session, false);
    throw error;
  }
}

function progress(session: Session): Answer {
  return empty(308, session.size > 0 ? { range: `bytes=0-${session.size - 1}` } : {});
}

function parseRange(text: string | undefined): ChunkRange {
  if (text === undefined) return { start: 0, end: undefined, total: undefined };
  const match = /^bytes (?:\*|(\d+)-(\d+|\*))\/(\d+|\*)$/.exec(text);
  if (!match) throw invalid(`Failed to parse Content-Range header: ${JSON.stringify(text)}`);
  const [, start, last, total] = match;
  return {
    start: start === undefined ? undefined : Number(start),
    end: last === undefined || last === '*' ? undefined : Number(last) + 1,
    total: total === '*' ? undefined : Number(total),
  };
}
