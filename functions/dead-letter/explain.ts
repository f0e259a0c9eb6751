import type { App } from '../../shared/app/define-app.ts';
import { counted } from '../../shared/core/counted.ts';
import { groupOf, patternOf } from '../../shared/dead-letters/fingerprint.ts';
import { letterOf } from '../../shared/dead-letters/letter-id.ts';
import { hasReplay } from '../../shared/dead-letters/letter-store.ts';
import type { DeadLetter } from '../../shared/dead-letters/read-dead-letter.ts';
import type { Attempt, DeathRecord } from '../../shared/dead-letters/records.ts';
import {
  type FailureHistory,
  listFailures,
  readFailures,
  readListed,
} from '../../shared/records/failures.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { type Identity, identify } from './identify.ts';
import { type SubjectTools, subjectStateOf } from './subject-state.ts';

export interface ExplainTools extends SubjectTools {
  /** The app whose dead letters are explained. */
  app: App;
  state: ObjectStore;
}

export interface ExplainOptions {
  signal: AbortSignal;
  at: Date;
  /** Default: every group. */
  isInFull?: (group: string) => boolean;
}

/** In characters. */
const MAX_NAME = 200;
const MAX_SKEW_MS = 60_000;

/**
 * Explains a death: which event it was, why it died, how often it was tried, and its current state. If `isInFull`
 * is false for its group, only what identifies the cause is looked up.
 */
export async function explain(
  letter: DeadLetter,
  tools: ExplainTools,
  { signal, at, isInFull = () => true }: ExplainOptions,
): Promise<DeathRecord> {
  const identity = await identify(letter, tools.app);
  const { eventId, concern, correlationId } = identity;
  const name = shorten(letter.function);
  const known = await listedFailures(name, letter, identity.historyId, tools.state, signal);
  const last = await readListed(tools.state, known?.slice(-1) ?? [], { signal });
  const { code, message } = causeOf(letter, last);
  const pattern = patternOf(message, knownTexts(letter, identity));
  const group = groupOf(name, code, pattern);
  const isBrief = !isInFull(group);
  const [history, concernState] = isBrief
    ? [{ ...last, count: known?.length ?? 0 }, 'unknown' as const]
    : await Promise.all([
        historyOf(name, known, identity.historyId, tools.state, signal),
        subjectStateOf(letter.function, identity, letter.way === 'given-up', tools, signal),
      ]);
  const id = letterOf(name, eventId);
  const replay = await replayOf(letter, id, tools.state, signal);
  const inspectedAt = at.toISOString();
  const diedAt = letter.diedAt ?? inspectedAt;
  const refusedAt = letter.refusal && diedAt;
  return {
    schemaVersion: 1,
    kind: 'death',
    letter: id,
    key: letter.key,
    function: name,
    way: letter.way,
    code,
    message,
    group,
    pattern,
    eventId,
    correlationId,
    subscription: letter.subscription,
    deliveries: letter.deliveries ?? (history.count || undefined),
    attempts: history.attempts.map(attemptOf),
    attemptCount: history.count,
    firstFailureAt:
      (history.count > history.attempts.length ? undefined : history.attempts[0]?.at) ?? refusedAt,
    lastFailureAt: refusedAt ?? history.attempts.at(-1)?.at,
    concern,
    concernState,
    ...(isBrief && { brief: true }),
    replay,
    diedAt,
    inspectedAt,
    letterMessage: letter.message,
  };
}

/** Anybody may write attributes: they count only if the replay is on record for this letter. */
async function replayOf(
  { mark }: DeadLetter,
  letter: string,
  state: ObjectStore,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (mark?.letter !== letter) return undefined;
  return (await hasReplay(state, mark, { signal })) ? mark.key : undefined;
}

/** Only a letter that was given up needs its failure history; undefined if it was not looked up. */
async function listedFailures(
  name: string,
  { way }: DeadLetter,
  historyId: string,
  state: ObjectStore,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  if (way !== 'given-up') return undefined;
  return isFunctionName(name) ? listFailures(state, name, historyId, signal) : [];
}

async function historyOf(
  name: string,
  listed: readonly string[] | undefined,
  historyId: string,
  state: ObjectStore,
  signal: AbortSignal,
): Promise<FailureHistory> {
  if (listed) return readListed(state, listed, { signal });
  return isFunctionName(name) ? readFailures(state, name, historyId, { signal }) : { attempts: [], count: 0 };
}

function isFunctionName(name: string): boolean {
  return /^\w{1,63}$/.test(name) && name !== 'unknown';
}

function causeOf(
  { way, refusal, deliveries, original }: DeadLetter,
  { attempts }: FailureHistory,
): { code: string; message: string } {
  if (refusal) return { code: shorten(refusal.code), message: refusal.reason };
  const published = original.kind === 'message' ? original.publishTime : undefined;
  // failures before the event was replayed are not the cause of this death
  const last = attempts.findLast(({ at }) => !isBefore(at, published));
  if (way === 'given-up' && last) return { code: last.code, message: last.message };
  if (way === 'given-up') {
    const times = deliveries === undefined ? 'deliveries' : counted(deliveries, 'delivery', 'deliveries');
    return { code: 'unknown', message: `given up after ${times}, none of which left a record` };
  }
  return { code: 'unknown', message: 'neither a function nor a subscription recorded why it died' };
}

/** Event-specific values that may appear in its error message. */
function knownTexts(letter: DeadLetter, { concern, eventId, correlationId }: Identity): string[] {
  const { messageId } = letter.original.kind === 'message' ? letter.original : { messageId: undefined };
  const object = concern?.kind === 'object' ? [concern.name, concern.generation] : [];
  const event = concern?.kind === 'event' ? [concern.id] : [];
  return [...object, ...event, eventId, correlationId, messageId].filter((text) => text !== undefined);
}

function attemptOf({ attempt, code, message, stack, trace, at }: Attempt): Attempt {
  return { attempt, code, message, stack, trace, at };
}

/** Allows for the difference between the clocks of two services. */
function isBefore(at: string, published: string | undefined): boolean {
  return published !== undefined && Date.parse(at) < Date.parse(published) - MAX_SKEW_MS;
}

function shorten(name: string): string {
  return name.slice(0, MAX_NAME).toWellFormed();
}
