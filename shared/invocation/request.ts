import type { HttpRequest } from '../app/define-function.ts';
import { AppError } from '../core/errors.ts';

/** A request as it was sent. */
export interface Received {
  /** The value of a header, in the order of bytes that came. Throws `invalid-event` if it was sent twice. */
  header(name: string): string | undefined;
  /** Names in lower case. */
  headerNames: readonly string[];
  query: URLSearchParams;
  body: Buffer;
}

/** Reads `rawHeaders`: Node joins the values of a repeated header, and drops some repetitions. */
export function receivedOf(request: HttpRequest): Received {
  const headers = new Map<string, string[]>();
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    const values = headers.get(name);
    if (values) values.push(rawHeaders[at + 1]!);
    else headers.set(name, [rawHeaders[at + 1]!]);
  }
  const { url = '/' } = request;
  const mark = url.indexOf('?');
  return {
    header(name) {
      const values = headers.get(name);
      if (values === undefined || values.length === 1) return values?.[0];
      throw new AppError('invalid-event', `header ${name} must be sent once, got ${values.length}`);
    },
    headerNames: [...headers.keys()],
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    body: request.rawBody ?? Buffer.alloc(0),
  };
}

/** The path without its query. */
export function pathOf({ url = '/' }: HttpRequest): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}

/** Media type in lower case, without parameters. */
export function contentTypeOf({ header }: Received): string | undefined {
  return header('content-type')?.split(';')[0]?.trim().toLowerCase() || undefined;
}
