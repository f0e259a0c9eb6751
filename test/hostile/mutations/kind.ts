import { below, mutateBytes, NASTY_TOKENS, pick, type Random } from './mutate.ts';

/** An acceptable end of an input: read, or refused as documented. */
export type Ending = 'read' | 'refused';

/** One kind of outside input, and the code that reads it. */
export interface MutationKind {
  /** Prepares what all inputs share: good inputs to start from, stores, compiled code. */
  open(): Promise<OpenKind>;
  /** Limit of the whole process's resident memory, in MiB. Default 512. */
  maxMiB?: number;
}

export interface OpenKind {
  /** The input of this index; the same random numbers give the same bytes. */
  make(random: Random): Uint8Array;
  /** Throws if the input ends in any other way. */
  read(input: Uint8Array): Ending | Promise<Ending>;
}

/** `make` for byte inputs: mutates a good one or splices it with another. */
export function mutantsOf(
  seeds: readonly Uint8Array[],
  tokens: readonly string[] = [],
): (random: Random) => Uint8Array {
  const all = [...NASTY_TOKENS, ...tokens, ...tokens, ...tokens];
  return (random) => mutateBytes(pick(random, seeds), pick(random, seeds), random, all);
}

/** Passes some good inputs unchanged, because a run in which nothing is read proves nothing. */
export function sometimesAsIs(
  seeds: readonly Uint8Array[],
  make: (random: Random) => Uint8Array,
): (random: Random) => Uint8Array {
  return (random) => (below(random, 200) === 0 ? pick(random, seeds) : make(random));
}
