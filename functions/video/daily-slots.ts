import { sha256 } from '../../shared/core/sha256.ts';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';

/** What a day has a bounded number of. */
export interface DailyLimit {
  kind: 'videos' | 'gemini-calls';
  /** At least 1. */
  limit: number;
  /** `2026-11-21`, in UTC. */
  day: string;
  /** Beginning of the names that share these slots; undefined for those that all names share. */
  prefix?: string;
}

/** Digits of a slot's number: names sort as numbers do. */
const DIGITS = 7;
export const MAX_SLOTS = 10 ** DIGITS;

/**
 * Claims one of the day's `limit` slots for `owner`; true where it has one, also from an earlier claim. A slot
 * is an object that is written once and never freed before the day's records expire: there are `limit` names,
 * so no race and no crash can make more of them. A process killed between its claim and what the claim is for
 * leaves a slot unused, unless the same owner comes back for it: this errs on the side of spending less.
 *
 * Each owner begins at a place of its own, so no object is written twice and none is hot: one write as long
 * as the day has room there, else a listing a thousand slots passed.
 */
export async function claimSlot(
  state: ObjectStore,
  { kind, limit, day, prefix }: DailyLimit,
  owner: string,
  signal?: AbortSignal,
): Promise<boolean> {
  // Hashed: a prefix may be as long as a name, and hold anything.
  const folder =
    prefix === undefined
      ? `budget/${day}/${kind}/`
      : `budget/${day}/${kind}-by-prefix/${sha256(prefix).slice(0, 32)}/`;
  const start = Number.parseInt(sha256(owner).slice(0, 12), 16) % limit;
  if (await take(start)) return true;
  return (await takeBetween(start + 1, limit)) || (await takeBetween(0, start));

  /** Owners never skip a free slot, so an owner's own comes before the first free one. */
  async function takeBetween(from: number, to: number): Promise<boolean> {
    let next = from;
    for await (const facts of state.list({ prefix: folder, startOffset: nameOf(from), signal })) {
      const slot = Number(facts.name.slice(folder.length));
      if (slot >= to) break;
      for (; next < slot; next++) if (await take(next)) return true;
      if (isOwn(facts)) return true;
      next = slot + 1;
    }
    for (; next < to; next++) if (await take(next)) return true;
    return false;
  }

  async function take(slot: number): Promise<boolean> {
    const name = nameOf(slot);
    const put = await state.putIfAbsent(name, Buffer.from(owner), {
      contentType: 'text/plain',
      metadata: { owner },
      signal,
    });
    if (put.kind === 'written') return true;
    const there = await state.stat(name, { signal });
    return there !== undefined && isOwn(there);
  }

  function nameOf(slot: number): string {
    return `${folder}${String(slot).padStart(DIGITS, '0')}`;
  }

  function isOwn({ metadata }: ObjectFacts): boolean {
    return metadata['owner'] === owner;
  }
}
