import { createRequire } from 'node:module';
import type { Sharp, SharpInput, SharpOptions } from 'sharp';

export type MakeSharp = (input?: SharpInput, options?: SharpOptions) => Sharp;

let loaded: MakeSharp | undefined;

/**
 * sharp, loaded with the first picture and configured for a function: one picture at a time, and no cache, since no
 * picture is opened twice. By `require`, since its ES module does not parse on Node 20.9.
 */
export async function loadSharp(): Promise<MakeSharp> {
  if (!loaded) {
    const sharp = createRequire(import.meta.url)('sharp') as typeof import('sharp').default;
    sharp.cache(false);
    sharp.concurrency(1);
    loaded = sharp;
  }
  return loaded;
}
