import { AppError } from '../../shared/core/errors.ts';
import { quoted } from '../../shared/core/json-value.ts';
import { decodeText } from '../../shared/events/event-text.ts';
import type { Received } from '../../shared/invocation/request.ts';

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
  return decodeText(body);
}
