import type { Sharp, SharpInput, SharpOptions } from 'sharp';

export type MakeSharp = (input?: SharpInput, options?: SharpOptions) => Sharp;

let loaded: Promise<MakeSharp> | undefined;

/**
 * sharp, loaded when a picture is first needed (it takes longer to load than everything else here), and set
 * for a function: one picture at a time, and no cache, for no picture is opened twice.
 */
export function loadSharp(): Promise<MakeSharp> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return loaded;
}
