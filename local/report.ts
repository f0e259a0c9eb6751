import { relative } from 'node:path';
import type { ProcessedFile } from './process-files.ts';
import { printable } from './terminal-text.ts';
import type { OnStage } from './uploads.ts';

/** Prints each stage of each upload with the seconds since its first stage. */
export function stagePrinter(print: (line: string) => void): OnStage {
  const started = new Map<string, number>();
  return (name, text) => {
    const from = started.get(name) ?? Date.now();
    if (!started.has(name)) started.set(name, from);
    const seconds = ((Date.now() - from) / 1_000).toFixed(2).padStart(7);
    print(`${seconds} s  ${printable(name)}  ${printable(text)}`);
  };
}

/** The result of one file, in a few lines. */
export function describeResult({ file, manifest, further = [], failure, copies }: ProcessedFile): string[] {
  const name = printable(file);
  if (!manifest) return [`${name}: failed: ${printable(failure ?? 'no manifest')}`];
  const where = copies.map((path) => `    ${printable(relative(process.cwd(), path) || path)}`);
  switch (manifest.outcome) {
    case 'rejected': {
      const { code = '', reason = '' } = manifest.rejection ?? {};
      return [`${name}: rejected: ${code}: ${printable(reason)}`, ...where];
    }
    case 'no-moment':
      return [`${name}: no such moment found`, ...where];
    case 'framed': {
      const moments = manifest.moments.map(
        (moment) =>
          `  frame at ${moment.seconds.toFixed(3)} s, ${moment.frame.width}x${moment.frame.height}, ` +
          `confidence ${moment.confidence}: ${printable(moment.description)}`,
      );
      const others = further.map(
        ({ question, outcome, moments: [first] }) =>
          `  also asked ${printable(JSON.stringify(question?.moment ?? ''))}: ${first ? `frame at ${first.seconds.toFixed(3)} s` : outcome}`,
      );
      return [`${name}: framed`, ...moments, ...others, ...where];
    }
  }
}
