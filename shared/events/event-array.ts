import { AppError } from '../core/errors.ts';
import { type JsonText, readJsonElements, readJsonText } from '../core/json-text.ts';
import { checked, MEMBERS } from './event-text.ts';

/** Characters, or bytes, in which an array and its first object must begin. */
const HEAD = 256;
/** An array of objects, or the notification of Amazon S3, whose only member is one. */
const ARRAY = /^\s*(?:\{\s*"Records"\s*:\s*)?\[\s*\{/;

/** True if the data may hold several events without declaring it. */
export function mayHoldSeveral(data: Buffer): boolean {
  return ARRAY.test(data.toString('latin1', 0, HEAD));
}

export interface ArrayLimits {
  maxBytes: number;
  maxDepth: number;
  maxBatch: number;
}

/**
 * The elements of an array of events, each as its own text; undefined if the text is anything else. `isEvent` judges
 * the first element, and with it the array. Throws `not-json`, `too-deep` or `too-large`.
 */
export function eventsInArray(
  text: string,
  { maxBytes, maxDepth, maxBatch }: ArrayLimits,
  isEvent: (element: string) => boolean,
): string[] | undefined {
  const array = arrayIn(text, maxDepth);
  if (array === undefined) return undefined;
  const elements: string[] = [];
  // the array adds a level of nesting
  const limits = { maxDepth: maxDepth + 1, maxElement: maxBytes };
  const each = ({ kind, start, end }: JsonText): void => {
    const element = array.slice(start, end);
    if (elements.length === 0 && !(kind === 'object' && isEvent(element))) throw new NoEvents();
    if (elements.length === maxBatch) {
      const seen = `${maxBatch + 1} in its first ${end} characters`;
      throw new AppError('too-large', `array must have at most ${maxBatch} events, got ${seen}`);
    }
    elements.push(element);
  };
  try {
    checked(() => readJsonElements(array, limits, MEMBERS, each));
  } catch (error) {
    if (error instanceof NoEvents) return undefined;
    throw error;
  }
  return elements.length === 0 ? undefined : elements;
}

/** Ends the scan of an array whose first element is no event. */
class NoEvents extends Error {}

function arrayIn(text: string, maxDepth: number): string | undefined {
  if (!ARRAY.test(text.slice(0, HEAD))) return undefined;
  if (!text.slice(0, HEAD).trimStart().startsWith('{')) return text;
  const records = checked(() => readJsonText(text, { maxDepth }, new Set(['Records']))).members.get(
    'Records',
  );
  if (records?.kind !== 'array') return undefined;
  // with members beside it, it is another object
  return text.slice(records.end).trim() === '}' ? text.slice(records.start, records.end) : undefined;
}
