import { AppError } from '../core/errors.ts';
import { quoted } from '../core/json-value.ts';
import { decodeText, readEventText } from '../events/event-text.ts';
import { contentTypeOf, type Received } from './request.ts';

export interface JsonLimits {
  maxBytes: number;
  /** Levels of arrays and objects. */
  maxDepth: number;
}

/**
 * The JSON of a request's body. Throws refusals: `too-large`, `unsupported-media` (a content type other than
 * application/json in UTF-8), `not-json` and `too-deep`.
 */
export function readJsonRequest(request: Received, { maxBytes, maxDepth }: JsonLimits): unknown {
  const { body } = request;
  if (body.length > maxBytes) {
    throw new AppError('too-large', `body must have at most ${maxBytes} bytes, got ${body.length}`);
  }
  checkMediaType(request);
  if (body.length === 0) throw new AppError('not-json', 'body must be a JSON object, got 0 bytes');
  const text = decodeText(body);
  readEventText(text, maxDepth);
  return JSON.parse(text);
}

function checkMediaType(request: Received): void {
  const type = contentTypeOf(request);
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.header('content-type') ?? '')?.[1];
  const isJson = type === 'application/json' && (charset === undefined || /^utf-?8$/i.test(charset));
  if (isJson) return;
  const found = type === undefined ? 'none' : quoted(request.header('content-type'));
  throw new AppError('unsupported-media', `content-type must be application/json in UTF-8, got ${found}`);
}
