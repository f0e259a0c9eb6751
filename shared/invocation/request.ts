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
  const { rawHeaders, url = '/' } = request;
  const names: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) names.push(rawHeaders[at]!.toLowerCase());
  const mark = url.indexOf('?');
  return {
    header(name) {
      const at = names.indexOf(name);
      if (at < 0) return undefined;
      if (names.indexOf(name, at + 1) < 0) return rawHeaders[2 * at + 1];
      const count = names.filter((one) => one === name).length;
      throw new AppError('invalid-event', `header ${name} must be sent once, got ${count}`);
    },
    headerNames: names,
    get query() {
      return new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    },
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
