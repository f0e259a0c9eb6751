import type { JsonDocument } from '../core/json-text.ts';
import { sha256 } from '../core/sha256.ts';
import { canonicalHash } from './canonical-json.ts';
import { eventIdOf } from './cloud-event.ts';
import { scalarOf } from './json-body.ts';

/** Begins no JSON, so what is hashed after it is neither a CloudEvent's identity nor any content. */
const TAG = 'content:';

/** `former`: the id under which earlier versions, which knew no tag, stored the same content. */
export interface ContentId {
  id: string;
  former: string | undefined;
}

/**
 * Identity of plain content: the hash of its RFC 8785 text. The text of an object that has only an `id` and a `source`
 * is also that of the identity of a CloudEvent; such content, and no other, is hashed with a tag. All other ids are
 * the same as before there were tags. 64 hex digits.
 */
export function plainIdOf(text: string, document: JsonDocument): ContentId {
  const hash = canonicalHash(text, document);
  const [id, source] = ['id', 'source'].map((name) => scalarOf(text, document.members.get(name)));
  const isAmbiguous =
    typeof id === 'string' && typeof source === 'string' && eventIdOf({ id, source }) === hash;
  return isAmbiguous ? { id: sha256(`${TAG}${hash}`), former: hash } : { id: hash, former: undefined };
}
