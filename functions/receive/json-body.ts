import { isUtf8 } from 'node:buffer';
import { AppError } from '../../shared/core/errors.ts';
import { JsonTextError } from '../../shared/core/json-scanner.ts';
import { quoted } from '../../shared/core/json-value.ts';
import type { Received } from './request.ts';

/** Levels of arrays and objects in an event: the readers of the topic have limits of their own. */
export const MAX_DEPTH = 1_000;
/** Events in one request. */
export const MAX_EVENTS = 10_000;

/** The body's text. Throws `unsupported-media` for another content type, and `not-json` for bytes that are no text. */
export function jsonTextOf({ body }: Received, contentType: string | undefined): string {
  if (contentType !== undefined && !/[/+]json$/.test(contentType)) {
    throw new AppError('unsupported-media', `content-type must be JSON, got ${quoted(contentType)}`);
  }
  if (body.length === 0) throw new AppError('not-json', 'body must be JSON, got 0 bytes');
  if (!isUtf8(body)) throw new AppError('not-json', 'body must be JSON, got bytes that are not UTF-8');
  return body.toString();
}

/** Runs a scan of a JSON text; throws `not-json` or `too-deep` if the text is malformed. */
export function scan<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const code = error.reason === 'depth' ? 'too-deep' : 'not-json';
    throw new AppError(code, `body must be JSON, got ${error.message}`);
  }
}
