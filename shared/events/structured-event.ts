import { AppError } from '../core/errors.ts';
import { findMember } from '../core/json-find.ts';
import type { JsonText } from '../core/json-text.ts';
import { invalid, type JsonEvent } from './cloud-event.ts';
import { decodeText, readEventText } from './event-text.ts';
import { scalarOf } from './json-body.ts';
import { type AttributeReader, cloudEventOf } from './json-event.ts';
import type { LinkSources } from './links.ts';

type Attributes = Readonly<Record<string, string>>;

/** Characters of an event's `metadata`; a longer one is user data and is not read. */
const MAX_METADATA = 16_384;

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
export function structuredEvent(
  text: string,
  root: JsonText,
  attributes: Attributes,
  { maxDepth }: { maxDepth: number },
): JsonEvent {
  if (root.kind !== 'object') {
    throw new AppError('invalid-event', `CloudEvent must be a JSON object, got JSON of kind ${root.kind}`);
  }
  const links = jsonLinks(text, root, attributes);
  return cloudEventOf(links.event, links, dataOf(text, root, maxDepth));
}

/** The link sources of an event that is JSON. */
export function jsonLinks(text: string, { members }: JsonText, attributes: Attributes): LinkSources {
  const event: AttributeReader = (name) => scalarOf(text, members.get(name));
  const metadata = members.get('metadata');
  if (metadata?.kind !== 'object' || metadata.end - metadata.start > MAX_METADATA) {
    return { event, metadata: nothing, attributes };
  }
  // already scanned as part of the whole
  const { start } = metadata;
  return { event, metadata: (name) => scalarOf(text, findMember(text, start, name)), attributes };
}

const nothing = (): undefined => undefined;

function dataOf(text: string, { members }: JsonText, maxDepth: number): string | undefined {
  const data = members.get('data');
  const encoded = members.get('data_base64');
  if (encoded === undefined) return data && text.slice(data.start, data.end);
  if (data !== undefined) {
    throw new AppError('invalid-event', 'CloudEvent must have data or data_base64, got both');
  }
  const value = scalarOf(text, encoded);
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  if (bytes === undefined || bytes.toString('base64') !== value) {
    throw invalid('data_base64', 'base64', value);
  }
  const decoded = decodeText(bytes);
  // it was scanned as one string, and is now a text of its own
  readEventText(decoded, maxDepth);
  return decoded;
}
