import { invalid } from './errors.ts';

const MAX_HEAD = 1024 * 1024;

export interface MultipartUpload {
  /** The first part: JSON metadata. */
  metadata: Buffer;
  /** Content type of the second part. */
  contentType: string | undefined;
  /** The second part, streamed; it must be read to its end. */
  media: AsyncIterable<Uint8Array>;
}

/** Parses `multipart/related` with two parts, buffering no more of the second than its delimiter. */
export async function parseMultipart(
  contentType: string | undefined,
  body: AsyncIterable<Uint8Array>,
): Promise<MultipartUpload> {
  const boundary = /boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))/i.exec(contentType ?? '');
  const name = boundary?.[1] ?? boundary?.[2] ?? boundary?.[3];
  if (name === undefined)
    throw invalid(`the content type of a multipart upload must have a boundary, got ${contentType}`);
  const chunks = body[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const { done, value } = await chunks.next();
    if (done) return false;
    held = held.length === 0 ? Buffer.from(value) : Buffer.concat([held, value]);
    return true;
  };
  const until = async (mark: string): Promise<Buffer> => {
    let at = held.indexOf(mark);
    while (at === -1) {
      if (held.length > MAX_HEAD || !(await more()))
        throw invalid(`malformed multipart body: no ${JSON.stringify(mark)}`);
      at = held.indexOf(mark);
    }
    const found = held.subarray(0, at);
    held = held.subarray(at + mark.length);
    return found;
  };

  await until(`--${name}`);
  while (held.length < 2)
    if (!(await more())) throw invalid('malformed multipart body: it ends after a boundary');
  // Python's mail generator, which gcloud uses, ends lines with a bare \n
  const line = held[0] === 13 ? '\r\n' : '\n';
  await until(line);
  await partHead(until, line);
  const metadata = Buffer.from(await until(`${line}--${name}`));
  await until(line);
  const head = await partHead(until, line);
  const delimiter = Buffer.from(`${line}--${name}`);

  async function* media(): AsyncIterable<Uint8Array> {
    for (;;) {
      const at = held.indexOf(delimiter);
      if (at !== -1) {
        if (at > 0) yield held.subarray(0, at);
        // the epilogue is meaningless, but must be read
        while (!(await chunks.next()).done);
        return;
      }
      const safe = held.length - delimiter.length;
      if (safe > 0) {
        yield held.subarray(0, safe);
        held = held.subarray(safe);
      }
      if (!(await more())) throw invalid('malformed multipart body: it ends before its last boundary');
    }
  }
  return { metadata, contentType: head.get('content-type'), media: media() };
}

async function partHead(
  until: (mark: string) => Promise<Buffer>,
  line: string,
): Promise<Map<string, string>> {
  const fields = new Map<string, string>();
  for (;;) {
    const text = (await until(line)).toString('utf8');
    if (text === '') return fields;
    const colon = text.indexOf(':');
    if (colon > 0) fields.set(text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim());
  }
}
