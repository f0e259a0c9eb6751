import type { App } from '../../shared/app/define-app.ts';
import { subjectOf } from '../../shared/app/subject.ts';
import { inputOf, originalOf } from '../../shared/dead-letters/original.ts';
import { type DeathRecord, type LetterSummary, PREFIX } from '../../shared/dead-letters/records.ts';
import { contentIdOf } from '../../shared/events/content-id.ts';
import { REFUSED_PREFIX } from '../../shared/invocation/refusals.ts';
import { effectsOf, recordsOf } from '../../shared/patterns/effect-records.ts';
import { writeRecord } from '../../shared/records/record.ts';
import type { Dlq } from './dlq.ts';
import { readDeath } from './read-death.ts';

/** Names of all objects in the state bucket that belong to one letter. */
export interface LetterObjects {
  letter: LetterSummary;
  /** Failed attempts of its function and of the inspector, records of refusals, effects and decisions. */
  others: string[];
  /** Its entries in order of deletion: deaths last, so that the letter is listed until all is gone. */
  entries: string[];
}

/** Record that an erasure leaves behind. It holds ids only. */
export interface ErasedRecord {
  schemaVersion: 1;
  letter: string;
  function: string;
  /** Ids of the deaths. */
  deaths: string[];
  /** Number of objects to delete. */
  objects: number;
  reason: string;
  by: string;
  /** RFC 3339. */
  at: string;
}

export async function objectsOf(dlq: Dlq, letter: LetterSummary): Promise<LetterObjects> {
  const read = await readDeath(dlq, letter.letter);
  const ids = new Set([letter.eventId]);
  const inspectorIds = new Set<string>();
  if (read.kind === 'death') {
    const { eventId, letterMessage } = read.death;
    ids.add(eventId);
    ids.add(await historyIdOf(read.death, await dlq.app()));
    const { data, attributes, orderingKey } = letterMessage;
    if (letterMessage.form !== 'raw')
      inspectorIds.add(contentIdOf({ message: { data, attributes, orderingKey } }));
  }
  const prefixes = [...ids].flatMap((id) => [
    `failures/${letter.function}/${id}/`,
    `${REFUSED_PREFIX}${letter.function}/${id}.`,
    effectsOf({ function: letter.function, eventId: id }),
    recordsOf({ function: letter.function, eventId: id }),
  ]);
  prefixes.push(...[...inspectorIds].map((id) => `failures/inspectDeadLetter/${id}/`));
  const [entries, ...others] = await Promise.all(
    [`${PREFIX}${letter.letter}/`, ...prefixes].map((prefix) => namesOf(dlq, prefix)),
  );
  const isDeath = (name: string): boolean => name.startsWith(`${PREFIX}${letter.letter}/death-`);
  return {
    letter,
    others: others.flat(),
    entries: [...entries!.filter((name) => !isDeath(name)), ...entries!.filter(isDeath)],
  };
}

/** Records who erases the letter, when and why. Must be called before anything is deleted. */
export async function noteErasure(
  { state, signal }: Dlq,
  { letter: { letter, function: name }, entries, others }: LetterObjects,
  { key, ...note }: Pick<ErasedRecord, 'reason' | 'by' | 'at'> & { key: string },
): Promise<void> {
  const deaths = entries.flatMap((entry) => /death-([0-9a-z-]+)\.json$/.exec(entry)?.[1] ?? []);
  const objects = entries.length + others.length;
  const record: ErasedRecord = { schemaVersion: 1, letter, function: name, deaths, objects, ...note };
  await writeRecord(state, `erased/${letter}/${key}.json`, record, { signal });
}

export async function deleteObjects(
  { state, signal }: Dlq,
  { others, entries }: LetterObjects,
): Promise<void> {
  for (const name of [...others, ...entries]) {
    signal.throwIfAborted();
    await state.delete(name, { signal });
  }
}

async function namesOf({ state, signal }: Dlq, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of state.list({ prefix, signal })) names.push(name);
  return names;
}

async function historyIdOf(death: DeathRecord, app: App): Promise<string> {
  const { function: name, eventId, letterMessage } = death;
  try {
    return (await subjectOf(app, name, inputOf(originalOf(letterMessage))))?.historyId ?? eventId;
  } catch {
    // the function cannot parse it either, so its history is under the event id
    return eventId;
  }
}
