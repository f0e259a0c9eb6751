import { readJsonText } from '../../shared/core/json-text.ts';
import type { Field, ScannedRow } from '../../shared/delta/index.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { plainIdOf } from '../../shared/events/plain-id.ts';

/** Practically no bounds, since a row may have been accepted under wider ones than today's. */
const UNBOUNDED = { maxDepth: 2_000, maxNumber: Number.POSITIVE_INFINITY };

/** True if the table's ids are derived from its events: from id and source, or from the content. */
export function holdsEvents(fields: readonly Field[]): boolean {
  return ['ce_id', 'source', 'data'].every((name) => fields.some((field) => field.name === name));
}

/** The reason why ingest would derive another id for the row; undefined if it would derive this one. */
export function eventIdFault(id: string, { ce_id: ceId, source, data }: ScannedRow): string | undefined {
  let expected: string;
  if (typeof ceId === 'string') {
    if (typeof source !== 'string') return 'the row has a ce_id but no source';
    expected = eventIdOf({ id: ceId, source });
  } else {
    if (typeof data !== 'string') return 'the row has neither a ce_id nor data';
    try {
      const content = plainIdOf(data, readJsonText(data, UNBOUNDED, new Set(['id', 'source'])));
      // written before ids of content had a tag
      if (id === content.former) return undefined;
      expected = content.id;
    } catch (error) {
      return `the row's data is not JSON: ${(error as Error).message}`;
    }
  }
  return expected === id ? undefined : `the row's content yields ${expected}`;
}
