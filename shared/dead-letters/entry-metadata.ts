import type { Disposition, LetterEntry, SubjectEvent, SubjectObject } from './records.ts';

/**
 * Summary of each entry, stored as custom metadata of its object for listings. Values are ASCII, so that headers
 * cannot change them, and short: Cloud Storage allows 8 KiB per object.
 */
export type EntryMetadata = Readonly<Record<string, string>>;

/** What a listing knows of a death. */
export interface DeathFacts {
  function: string;
  way: Disposition;
  code: string;
  group: string;
  pattern: string;
  eventId: string;
  correlationId: string | undefined;
  concern: string;
  diedAt: string;
  /** Key of the replay that died. */
  replay: string | undefined;
}

const MAX_VALUE = 300;

export function metadataOf(entry: LetterEntry): EntryMetadata {
  if (entry.kind !== 'death') return { kind: entry.kind };
  const facts: Record<keyof DeathFacts, string | undefined> = {
    function: entry.function,
    way: entry.way,
    code: entry.code,
    group: entry.group,
    pattern: entry.pattern,
    eventId: entry.eventId,
    correlationId: entry.correlationId,
    concern: subjectText(entry.concern),
    diedAt: entry.diedAt,
    replay: entry.replay,
  };
  const written = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, toAscii(value)]],
  );
  return { kind: 'death', ...Object.fromEntries(written) };
}

export function deathFactsOf(metadata: EntryMetadata): DeathFacts {
  const read = (name: keyof DeathFacts): string => fromAscii(metadata[name] ?? '');
  const way = read('way');
  return {
    function: read('function') || 'unknown',
    way: way === 'refused' || way === 'given-up' ? way : 'unknown',
    code: read('code') || 'unknown',
    group: read('group'),
    pattern: read('pattern'),
    eventId: read('eventId'),
    correlationId: read('correlationId') || undefined,
    concern: read('concern'),
    diedAt: read('diedAt'),
    replay: replayOf(metadata),
  };
}

export function replayOf(metadata: EntryMetadata): string | undefined {
  return fromAscii(metadata['replay'] ?? '') || undefined;
}

/** A short description: `gs://bucket/name#generation`, or an event's type and id. */
export function subjectText(concern: SubjectObject | SubjectEvent | undefined): string {
  if (concern === undefined) return '';
  if (concern.kind === 'object') return `gs://${concern.bucket}/${concern.name}#${concern.generation}`;
  return [concern.type, concern.id].filter((part) => part !== undefined).join(' ');
}

/** Escapes all but printable ASCII, and anything that looks like an escape, as `\uXXXX` per UTF-16 unit. */
function toAscii(text: string): string {
  let ascii = '';
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const plain = unit >= 0x20 && unit <= 0x7e && unit !== 0x5c;
    const next = plain ? text[at] : `\\u${unit.toString(16).padStart(4, '0')}`;
    if (ascii.length + next!.length > MAX_VALUE) return ascii;
    ascii += next;
  }
  return ascii;
}

function fromAscii(text: string): string {
  // a listing calls this a hundred thousand times
  if (!text.includes('\\')) return text;
  return text.replace(/\\u([0-9a-f]{4})/g, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
