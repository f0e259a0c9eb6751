import { sha256 } from '../core/sha256.ts';
import type { ObjectFacts, ObjectStore } from '../storage/object-store.ts';
import { SLOT_DIGITS } from './slot-limits.ts';

/** A bounded count, shared by everyone who uses the store. */
export interface Slots {
  /** Prefix of the slots' names; ends with `/`. */
  folder: string;
  /** 1 to MAX_SLOTS. */
  limit: number;
}

/**
 * Claims one of `limit` slots for `owner` (at most 1 KiB of ASCII). True if it holds one, including from an earlier
 * claim. A slot is an object that is written once and never freed before it expires: only `limit` names exist, so
 * no race or crash can create more. If a process dies between claiming and using a slot, the slot is wasted unless
 * the same owner retries: the error is always on the cheap side.
 *
 * Each owner starts at a position of its own, so no object is written twice and none is hot: one write as long as
 * that position is free, else a listing per thousand slots passed.
 *
 * @example
 * if (!(await claimSlot(state, { folder: `budget/${day}/videos/`, limit: 2_000 }, uploadId))) throw overBudget();
 */
export async function claimSlot(
  state: ObjectStore,
  { folder, limit }: Slots,
  owner: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const start = Number.parseInt(sha256(owner).slice(0, 12), 16) % limit;
  if (await take(start)) return true;
  return (await takeBetween(start + 1, limit)) || (await takeBetween(0, start));

  /** Owners never skip a free slot, so an owner's existing slot comes before the first free one. */
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
    return `${folder}${String(slot).padStart(SLOT_DIGITS, '0')}`;
  }

  function isOwn({ metadata }: ObjectFacts): boolean {
    return metadata['owner'] === owner;
  }
}
