import type { SubjectEvent, SubjectObject } from '../dead-letters/records.ts';
import { type App, functionNamed } from './define-app.ts';

/** What an event is about, as the function it was meant for reads it. */
export interface Subject {
  /** 64 hex digits. */
  eventId: string;
  /** Key of its failure records: 64 hex digits. */
  historyId: string;
  about: SubjectObject | SubjectEvent | undefined;
  correlationId: string | undefined;
  /**
   * What exists once the event is settled: an object in the bucket that the function is `settledIn`, or rows with
   * all of these ids in the table of events. Undefined if nothing shows it.
   */
  settled: { object: string } | { rows: string[] } | undefined;
}

/** Throws a refusal if the function itself would refuse the input. */
export type SubjectReader = (input: unknown) => Subject;

/** Calls the subject reader of the function that the input was meant for; undefined if the app has no such reader. */
export async function subjectOf(
  app: App,
  functionName: string,
  input: unknown,
): Promise<Subject | undefined> {
  const read = await functionNamed(app, functionName)?.subject?.();
  return read?.(input);
}
