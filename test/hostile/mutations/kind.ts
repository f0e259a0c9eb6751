import { below, mutateBytes, NASTY_TOKENS, pick, type Random } from './mutate.ts';

/** How an input ended as it should: taken, or turned down in the way that the code documents. */
export type Ending = 'read' | 'refused';

/** One sort of input from outside, and what reads it. */
export interface MutationKind {
  /** Prepares what is shared by all inputs: good inputs to begin with, stores, compiled code. */
  open(): Promise<OpenKind>;
  /** Resident memory of the whole process, MiB. Default 512. */
  maxMiB?: number;
}

export interface OpenKind {
  /** The input of this index; the same random numbers give the same bytes. */
  make(random: Random): Uint8Array;
  /** Throws whatever is no planned ending. */
  read(input: Uint8Array): Ending | Promise<Ending>;
}

/** `make` for inputs that are bytes: a good one, changed, spliced with another. */
export function mutantsOf(
  seeds: readonly Uint8Array[],
  tokens: readonly string[] = [],
): (random: Random) => Uint8Array {
  const all = [...NASTY_TOKENS, ...tokens, ...tokens, ...tokens];
  return (random) => mutateBytes(pick(random, seeds), pick(random, seeds), random, all);
}

/** Good inputs come unchanged now and then: a run in which nothing is read shows nothing. */
export function sometimesAsIs(
  seeds: readonly Uint8Array[],
  make: (random: Random) => Uint8Array,
): (random: Random) => Uint8Array {
  return (random) => (below(random, 200) === 0 ? pick(random, seeds) : make(random));
}
