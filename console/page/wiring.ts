import type { AppAnswer, AppFunction } from '../api-types.ts';

/** Where things stand in the picture of an app. */

export interface Place {
  key: string;
  label: string;
  note: string;
  kind: 'topic' | 'bucket' | 'outside';
  /** Position among its column, from 0 to 1. */
  at: number;
}

export interface Wiring {
  /** Those that run, then those that an option would run. */
  functions: readonly AppFunction[];
  left: readonly Place[];
  right: readonly Place[];
}

const HTTP = 'HTTP request to ';

/** What fires a function: places of the app, or something outside. */
export function sourcesOf(one: AppFunction): readonly string[] {
  if (one.from.length > 0) return one.from;
  // each has callers of its own
  return [one.kind === 'http' ? `${HTTP}${one.name}` : one.trigger];
}

export function isIdle({ option, isRunning }: AppFunction): boolean {
  return isRunning === undefined ? option !== undefined : !isRunning;
}

/**
 * What fires functions on the left, what they write on the right. Places nobody of the app fires from or writes to are
 * on the right, too, so that the picture has all of them.
 */
export function wiringOf({ functions: all, buckets, topics }: AppAnswer): Wiring {
  const functions = [...all].sort((a, b) => Number(isIdle(a)) - Number(isIdle(b)));
  const crons = new Map(
    functions.flatMap(({ from, cron }) => (cron ? from.map((key) => [key, cron] as const) : [])),
  );
  const isTopic = new Map(topics.map(({ key, isTaken }) => [key, isTaken]));
  const isBucket = new Set(buckets.map(({ key }) => key));
  const left = keysOf(functions, sourcesOf);
  const right = keysOf(functions, ({ to }) => to);
  const alone = [...isBucket, ...isTopic.keys()].filter((key) => !left.includes(key) && !right.includes(key));
  const placed = (keys: readonly string[], side: 'left' | 'right'): Place[] =>
    keys.map((key, index) => ({
      key,
      label: key.startsWith(HTTP) ? 'HTTP request' : key,
      note: noteOf(key, side),
      kind: isTopic.has(key) ? 'topic' : isBucket.has(key) ? 'bucket' : 'outside',
      at: (index + 0.5) / keys.length,
    }));
  const noteOf = (key: string, side: 'left' | 'right'): string => {
    const cron = crons.get(key);
    if (side === 'left' && cron !== undefined) return `${cron} UTC`;
    return isTopic.get(key) === false ? 'for other subscribers' : '';
  };
  return { functions, left: placed(left, 'left'), right: placed([...right, ...alone], 'right') };
}

/** Keys in the order of the functions that they are wired to, so that wires cross rarely. */
function keysOf(functions: readonly AppFunction[], keys: (one: AppFunction) => readonly string[]): string[] {
  const rows = new Map<string, number[]>();
  for (const [row, one] of functions.entries()) {
    for (const key of keys(one)) rows.set(key, [...(rows.get(key) ?? []), row]);
  }
  const middle = (key: string): number => {
    const all = rows.get(key) ?? [];
    return all.reduce((sum, row) => sum + row, 0) / all.length;
  };
  return [...rows.keys()].sort((a, b) => middle(a) - middle(b));
}
