import { randomUUID } from 'node:crypto';
import { deadline } from '../../../shared/core/retry.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import type { RequestContext } from '../../../shared/invocation/request-handler.ts';
import { readRecord, writeRecord } from '../../../shared/records/record.ts';
import { claimAddress, forget, publishIntent, type Tools } from '../users/complete.ts';
import {
  type Intent,
  intentName,
  type KnownRequest,
  type NewUser,
  requestName,
  type User,
  userName,
} from '../users/user.ts';

export type Registered =
  /** `isPublished` is false if the relay has to publish the event, and undefined if an earlier request created it. */
  | { kind: 'created'; userId: string; isPublished?: boolean }
  | { kind: 'address-taken' }
  /** The key belongs to a request with another body. */
  | { kind: 'key-reused' }
  | { kind: 'in-flight'; retrySeconds: number };

/** Time limit of a request. */
export const ATTEMPT_MS = 15_000;
/** A request that has not recorded its user after that is dead; one with its key goes on in its place. */
const IN_FLIGHT_MS = ATTEMPT_MS + 5_000;
/** The client waits for it; the relay takes over what takes longer. */
const PUBLISH_MS = 3_000;

type Context = Pick<
  RequestContext,
  'bucket' | 'callsOf' | 'clock' | 'log' | 'publisher' | 'signal' | 'topicNamed'
>;

/**
 * Records a user and publishes `user.created`. Three objects, each written once, in this order:
 *
 * 1. the request, under its key: a repeated request has the same user id;
 * 2. the intent: the user and the event;
 * 3. the user, under the address: from here on the user exists.
 *
 * Whatever dies after the second, the relay finishes from the intent alone. Nothing is ever undone.
 */
export async function registerUser(
  wanted: NewUser,
  key: string | undefined,
  context: Context,
): Promise<Registered> {
  const { clock, signal } = context;
  const store = context.bucket('users');
  const tools: Tools = { ...context, store };
  const stored = await readRecord<User>(store, userName(wanted.email), { signal });
  const begun = await beginRequest(wanted, key, tools, clock.now());
  if (begun.kind !== 'begun') return begun;
  const { userId } = begun;
  if (stored) return ownerOf(stored, userId);
  if (!begun.isFirst) {
    // the first one may have recorded its user since we looked
    const late = await readRecord<User>(store, userName(wanted.email), { signal });
    if (late) return ownerOf(late, userId);
    const leftMs = begun.startedAt + IN_FLIGHT_MS - clock.now();
    if (leftMs > 0) return { kind: 'in-flight', retrySeconds: Math.ceil(leftMs / 1_000) };
  }
  const { value: intent } = await writeRecord<Intent>(
    store,
    intentName(userId),
    await intentOf(wanted, userId, context),
    { signal },
  );
  const owner = await claimAddress(intent, tools);
  if (owner.userId !== userId) {
    await forget(userId, tools);
    return { kind: 'address-taken' };
  }
  return { kind: 'created', userId, isPublished: await publishSoon(intent, tools, context) };
}

const ownerOf = (owner: User, userId: string): Registered =>
  owner.userId === userId ? { kind: 'created', userId } : { kind: 'address-taken' };

type Begun = { kind: 'begun'; userId: string; isFirst: boolean; startedAt: number } | { kind: 'key-reused' };

async function beginRequest(
  { email, name }: NewUser,
  key: string | undefined,
  { store, signal }: Tools,
  now: number,
): Promise<Begun> {
  const userId = `usr-${randomUUID()}`;
  if (key === undefined) return { kind: 'begun', userId, isFirst: true, startedAt: now };
  const fingerprint = sha256(JSON.stringify([email, name]));
  const startedAt = new Date(now).toISOString();
  const ours: KnownRequest = { schemaVersion: 1, userId, fingerprint, startedAt };
  const { value, ours: isFirst } = await writeRecord(store, requestName(key), ours, { signal });
  if (value.fingerprint !== fingerprint) return { kind: 'key-reused' };
  return { kind: 'begun', userId: value.userId, isFirst, startedAt: Date.parse(value.startedAt) };
}

async function intentOf(
  { email, name }: NewUser,
  userId: string,
  { callsOf, clock }: Context,
): Promise<Intent> {
  const createdAt = new Date(clock.now()).toISOString();
  const { prepare } = await callsOf(sha256(JSON.stringify(['user', userId])));
  const event = await prepare('user-events', {
    type: 'user.created',
    subject: `users/${userId}`,
    time: createdAt,
    data: { userId, email, name },
  });
  return { schemaVersion: 1, user: { schemaVersion: 1, userId, email, name, createdAt }, event };
}

/** The event stands in the intent, so a failure here is no failure of the request. */
async function publishSoon(intent: Intent, tools: Tools, { log, signal }: Context): Promise<boolean> {
  const limit = deadline(PUBLISH_MS, signal);
  try {
    await publishIntent(intent, { ...tools, signal: limit.signal });
    return true;
  } catch (error) {
    log.warn('event left to the relay', { reason: error instanceof Error ? error.message : String(error) });
    return false;
  } finally {
    limit.clear();
  }
}
