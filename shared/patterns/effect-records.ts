import { AppError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import { parseRecord, readRecord, writeRecord } from '../records/record.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Identifies an effect: of one event, in one function. */
export interface EffectPlace {
  /** Name of the function. */
  function: string;
  /** 64 hex digits. */
  eventId: string;
  /** 1 to 64 letters, digits, `-`, `_` and `.`. */
  name: string;
}

/** Written before the work begins; replaced by the next owner on takeover. */
export interface StartedRecord {
  schemaVersion: 1;
  /** Id of this run. */
  owner: string;
  /** Counted from 1. */
  run: number;
  /** RFC 3339. */
  startedAt: string;
  /**
   * `running`: see `expiresAt`. `failed`: it may have happened. `did-not-happen`: stated by the work or by an
   * operator.
   */
  state: 'running' | 'failed' | 'did-not-happen';
  /** Milliseconds since the epoch. If a running record has expired, its process died. */
  expiresAt: number;
  /** True if an earlier run may have completed it, so this run cannot say that it did not happen. */
  isUncertain?: boolean;
  /** Code and message of the error that the work threw, or who stated that it did not happen. */
  reason?: string;
}

/** Written once, when the work has returned. */
export interface DoneRecord {
  schemaVersion: 1;
  /** RFC 3339. */
  at: string;
  /** Absent if the work returned undefined. */
  value?: unknown;
  /** Set if an operator stated that it happened. */
  settledBy?: string;
}

export const EFFECTS_PREFIX = 'effects/';

const MAX_EFFECT_NAME = 64;

/** Prefix of all effects of an event in a function. */
export function effectsOf({ function: name, eventId }: Pick<EffectPlace, 'function' | 'eventId'>): string {
  return `${EFFECTS_PREFIX}${name}/${eventId}/`;
}

export function effectNames(place: EffectPlace): { started: string; done: string } {
  const folder = `${effectsOf(place)}${checkedName('effect', place.name)}/`;
  return { started: `${folder}started.json`, done: `${folder}done.json` };
}

/** Unique per effect and stable across deliveries of its event: 64 hex digits. */
export function idempotencyKeyOf({ function: by, eventId, name }: EffectPlace): string {
  return sha256(JSON.stringify(['effect', by, eventId, name]));
}

/** Prefix of all decisions about an event in a function. */
export function recordsOf({ function: name, eventId }: Pick<EffectPlace, 'function' | 'eventId'>): string {
  return `records/${name}/${eventId}/`;
}

/** Throws a TypeError unless the name can be part of an object's name. */
export function checkedName(what: string, name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name) && name.length <= MAX_EFFECT_NAME) return name;
  throw new TypeError(
    `${what} name must be 1 to ${MAX_EFFECT_NAME} letters, digits, "-", "_" and ".", got ${JSON.stringify(name.slice(0, MAX_EFFECT_NAME + 1))}`,
  );
}

/** A started record with the generation that a takeover must replace; undefined if there is none. */
export async function readStarted(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<{ record: StartedRecord; generation: string } | undefined> {
  const stored = await store.get(key, { withoutMetadata: true, signal });
  if (!stored) return undefined;
  return { record: parseRecord(store, key, stored.body), generation: stored.facts.generation };
}

export function readDone(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<DoneRecord | undefined> {
  return readRecord<DoneRecord>(store, key, { signal });
}

export type EffectState = 'done' | 'running' | 'unknown' | 'did-not-happen';

export interface FoundEffect {
  name: string;
  state: EffectState;
  started: StartedRecord;
  generation: string;
}

/** The effects that an event has started in a function, by name. */
export async function listEffects(
  store: ObjectStore,
  of: Pick<EffectPlace, 'function' | 'eventId'>,
  now: number,
  signal?: AbortSignal,
): Promise<FoundEffect[]> {
  const prefix = effectsOf(of);
  const files = new Map<string, Set<string>>();
  for await (const { name } of store.list({ prefix, signal })) {
    const [effect = '', file = ''] = name.slice(prefix.length).split('/');
    files.set(effect, (files.get(effect) ?? new Set()).add(file));
  }
  const found: FoundEffect[] = [];
  for (const [name, there] of files) {
    const started = await readStarted(store, `${prefix}${name}/started.json`, signal);
    if (started === undefined) continue;
    const state = there.has('done.json') ? 'done' : stateOf(started.record, now);
    found.push({ name, state, started: started.record, generation: started.generation });
  }
  return found;
}

export function stateOf({ state, expiresAt }: StartedRecord, now: number): Exclude<EffectState, 'done'> {
  if (state === 'running') return expiresAt > now ? 'running' : 'unknown';
  return state === 'failed' ? 'unknown' : 'did-not-happen';
}

/**
 * Records an operator's statement about an effect whose outcome is unknown: later deliveries treat it as done, with
 * the given value, or run its work again. Throws `busy` if the record has changed meanwhile.
 */
export async function settleEffect(
  store: ObjectStore,
  place: EffectPlace,
  { started, generation }: FoundEffect,
  said: { happened: boolean; value?: unknown; by: string; at: Date },
  signal?: AbortSignal,
): Promise<void> {
  const names = effectNames(place);
  if (said.happened) {
    const done: DoneRecord = {
      schemaVersion: 1,
      at: said.at.toISOString(),
      settledBy: said.by,
      value: said.value,
    };
    await writeRecord(store, names.done, done, { signal });
    return;
  }
  const { isUncertain: _, ...rest } = started;
  const next: StartedRecord = { ...rest, state: 'did-not-happen', reason: `settled by ${said.by}` };
  const outcome = await store.replaceIf(names.started, generation, encode(next), { signal });
  if (outcome.kind === 'changed') throw new AppError('busy', `effect ${place.name} changed in the meantime`);
}

export function encode(record: StartedRecord | DoneRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}
