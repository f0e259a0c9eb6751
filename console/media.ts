import { once } from 'node:events';
import type { Exchange } from '../local/http/server.ts';
import type { ObjectStore } from '../shared/storage/object-store.ts';
import { MEDIA_POLICY, Problem, SAFE_HEADERS } from './answers.ts';

/** Types that a browser shows without running anything; everything else is a download. */
const SHOWN =
  /^(?:image\/(?:png|jpeg|webp|avif|gif)|video\/(?:mp4|webm|quicktime|x-matroska|x-msvideo|mpeg))$/;
const BY_ENDING: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
};

const CHUNK_BYTES = 1024 * 1024;

/** Sends a stored object, or the range of it that the request asks for, at the reader's pace. */
export async function sendObject(
  { request, response, method, signal }: Exchange,
  store: ObjectStore,
  { name, generation }: { name: string; generation: string },
): Promise<void> {
  const facts = await store.stat(name, { generation, signal });
  if (!facts) throw new Problem(404, `gs://${store.bucket}/${name} is gone`);
  const { size } = facts;
  const range = rangeOf(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...SAFE_HEADERS, 'content-range': `bytes */${size}` }).end();
    return;
  }
  const type = shownType(facts.contentType, name);
  const { from, to } = range ?? { from: 0, to: size };
  response.writeHead(range ? 206 : 200, {
    ...SAFE_HEADERS,
    'content-security-policy': MEDIA_POLICY,
    // a generation never changes
    'cache-control': 'private, max-age=3600, immutable',
    'content-type': type ?? 'application/octet-stream',
    'content-length': to - from,
    'accept-ranges': 'bytes',
    ...(range && { 'content-range': `bytes ${from}-${to - 1}/${size}` }),
    ...(type === undefined && { 'content-disposition': 'attachment' }),
  });
  if (method === 'HEAD') return void response.end();
  for (let at = from; at < to; ) {
    const part = await store.getRange(name, at, Math.min(CHUNK_BYTES, to - at), { generation, signal });
    if (part === undefined || part.length === 0) return void response.destroy();
    at += part.length;
    if (!response.write(part)) await once(response, 'drain', { signal });
  }
  response.end();
}

function shownType(stated: string | undefined, name: string): string | undefined {
  const type = stated?.split(';')[0]?.trim().toLowerCase();
  if (type !== undefined && SHOWN.test(type)) return type;
  // an upload may lack a type
  const isUnstated = type === undefined || type === '' || type === 'application/octet-stream';
  return isUnstated ? BY_ENDING[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] : undefined;
}

/** One range in bytes, the end exclusive (RFC 9110, 14.2); undefined for the whole object. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { from: number; to: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return from < to ? { from, to } : 'unsatisfiable';
}
