/** What sends to a source, and thereby how its requests are authenticated and read. */
export const KINDS = ['cloudevents', 'eventbridge', 'eventgrid', 'github', 'hmac', 'json', 'stripe'] as const;

export type Kind = (typeof KINDS)[number];

/** A configured sender. Requests to its path, `/KIND/NAME`, must prove that they know one of its keys. */
export interface Source {
  kind: Kind;
  name: string;
  /** `KIND/NAME`. */
  id: string;
}

/** Keys of the sources by their ids: the current one, and during a rotation the other one, too. */
export type Keys = ReadonlyMap<string, readonly string[]>;

export interface ReadKeys {
  keys: Keys;
  /** Bad lines, without their values. */
  mistakes: readonly string[];
}

const NAME = '[a-z0-9][a-z0-9-]{0,39}';
const PATH = new RegExp(`^/(${KINDS.join('|')})/(${NAME})/?$`);
const LINE = new RegExp(`^((?:${KINDS.join('|')})/${NAME})[ \\t]+(\\S(?:.*\\S)?)$`);
/** A rotation needs two. Each costs every forged request a digest. */
const MAX_KEYS = 4;
/** Shorter keys can be guessed. */
const MIN_KEY = 16;

/** The key of a Standard Webhook: base64 after `whsec_`, else its text. */
export function keyBytes(key: string): Buffer {
  return key.startsWith(PREFIX) ? Buffer.from(key.slice(PREFIX.length), 'base64') : Buffer.from(key);
}

const PREFIX = 'whsec_';

/** The source that a request's path names, whether it is configured or not; undefined for any other path. */
export function sourceOf(path: string): Source | undefined {
  const match = PATH.exec(path);
  if (!match) return undefined;
  const [, kind, name] = match as unknown as [string, Kind, string];
  return { kind, name, id: `${kind}/${name}` };
}

/**
 * Reads lines such as `github/shop KEY`; blank lines and lines that begin with `#` are skipped. Several lines of one
 * source are several valid keys. A bad line takes down its own source only.
 */
export function readKeys(text: string): ReadKeys {
  const keys = new Map<string, string[]>();
  const mistakes: string[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, id, key] = LINE.exec(line) ?? [];
    const own = (id !== undefined && keys.get(id)) || [];
    const mistake = mistakeOf(id, key, own);
    if (mistake !== undefined) mistakes.push(`line ${index + 1} ${mistake}`);
    else keys.set(id!, [...own, key!]);
  }
  return { keys, mistakes };
}

function mistakeOf(
  id: string | undefined,
  key: string | undefined,
  own: readonly string[],
): string | undefined {
  if (id === undefined || key === undefined) {
    return `must be KIND/NAME KEY, where KIND is one of ${KINDS.join(', ')}`;
  }
  if (key.length < MIN_KEY) return `must have a key of at least ${MIN_KEY} characters, got ${key.length}`;
  if (id.startsWith('hmac/') && bytesOf(key) < MIN_KEY) {
    return `must have a key of at least ${MIN_KEY} bytes in base64 after whsec_, got ${bytesOf(key)}`;
  }
  return own.length < MAX_KEYS ? undefined : `must be one of at most ${MAX_KEYS} keys of ${id}`;
}

/** Decoding base64 skips what is none, and would leave a key that anyone can guess. */
const bytesOf = (key: string): number => keyBytes(key).length;
