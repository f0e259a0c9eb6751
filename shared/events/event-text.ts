import { isUtf8 } from 'node:buffer';
import { AppError } from '../core/errors.ts';
import { JsonTextError } from '../core/json-scanner.ts';
import { type JsonDocument, readJsonText } from '../core/json-text.ts';
import { LINK_PLACES } from './links.ts';
import { FORM_MEMBERS } from './read-form.ts';

/** Members of an event that are read. */
export const MEMBERS: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'dataschema', 'data', 'data_base64'],
  'metadata',
  ...Object.values(LINK_PLACES).flatMap(({ event }) => event),
  ...FORM_MEMBERS,
]);

/** Throws `not-json`. */
export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  throw new AppError('not-json', `data must be JSON, got ${bytes.length} bytes that are not UTF-8`);
}

/** Throws `not-json`, `too-deep` or `too-large`. */
export function readEventText(text: string, maxDepth: number): JsonDocument {
  return checked(() => readJsonText(text, { maxDepth }, MEMBERS));
}

/** The scanner's errors as refusals. */
export function checked<T>(scan: () => T): T {
  try {
    return scan();
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    if (error.reason === 'depth') throw new AppError('too-deep', `data is ${error.message}`);
    if (error.reason === 'number') throw new AppError('too-large', error.message);
    throw new AppError('not-json', `data must be JSON, got ${error.message}`);
  }
}
