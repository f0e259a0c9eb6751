import { describe, isJsonObject, type Json } from '../../../shared/core/json-value.ts';
import { readJsonRequest } from '../../../shared/invocation/json-request.ts';
import type { Fault } from '../../../shared/invocation/problem.ts';
import type { Received } from '../../../shared/invocation/request.ts';
import type { NewUser } from '../users/user.ts';

export type ParsedUser = { kind: 'user'; user: NewUser } | { kind: 'faults'; faults: readonly Fault[] };

/** The user is flat. */
const MAX_DEPTH = 8;
const MAX_EMAIL = 254;
const MAX_NAME = 200;

/** https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address, with a dot in the domain. */
const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;

/** Controls, line separators, and characters that reverse the direction of what is written after the name. */
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/**
 * Reads `{ email, name }`. All faults of the fields are listed; throws a refusal for a body that is too large, of
 * another media type or no JSON.
 */
export function parseUser(request: Received, maxBytes: number): ParsedUser {
  const value = readJsonRequest(request, { maxBytes, maxDepth: MAX_DEPTH });
  if (!isJsonObject(value)) {
    return {
      kind: 'faults',
      faults: [{ detail: `must be an object, got ${describe(value)}`, pointer: '#' }],
    };
  }
  const email = trimmed(value['email']);
  const name = trimmed(value['name']);
  const faults = [...emailFaults(email), ...nameFaults(name), ...strangers(value)];
  if (faults.length > 0) return { kind: 'faults', faults };
  return { kind: 'user', user: { email: String(email), name: String(name).normalize('NFC') } };
}

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value);

function emailFaults(email: unknown): Fault[] {
  const isFine = typeof email === 'string' && email.length <= MAX_EMAIL && EMAIL.test(email);
  if (isFine) return [];
  const detail = `must be an e-mail address of at most ${MAX_EMAIL} ASCII characters, got ${describe(email)}`;
  return [{ detail, pointer: '#/email' }];
}

function nameFaults(name: unknown): Fault[] {
  const fault = (detail: string): Fault[] => [{ detail, pointer: '#/name' }];
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) {
    return fault(`must be text of 1 to ${MAX_NAME} characters, got ${describe(name)}`);
  }
  if (!name.isWellFormed()) return fault('must be Unicode, got half of a surrogate pair');
  if (!UNFIT.test(name)) return [];
  return fault('must have no control characters and none that change the direction of text');
}

/** A misspelt field must not be dropped in silence. */
function strangers(value: Json): Fault[] {
  return Object.keys(value)
    .filter((key) => key !== 'email' && key !== 'name')
    .slice(0, 20)
    .map((key) => ({ detail: 'must not be there: fields are email and name', pointer: pointerTo(key) }));
}

/** https://www.rfc-editor.org/rfc/rfc6901#section-6 */
function pointerTo(key: string): string {
  const step = key.toWellFormed().slice(0, 64).toWellFormed();
  return `#/${encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))}`;
}
