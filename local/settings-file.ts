import { readFileSync } from 'node:fs';
import { Failure, quoted } from '../cli/common/options.ts';

/** A line `NAME=value` with its location for messages. */
export interface SettingLine {
  name: string;
  value: string;
  place: string;
}

/**
 * The lines of a file, without empty lines and comments (#). Throws Failure if a line is not `NAME=value`, without
 * showing it: it may be a secret.
 */
export function readSettingLines(path: string): SettingLine[] {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  return lines.flatMap((line, index): SettingLine[] => {
    if (/^\s*(#|$)/.test(line)) return [];
    const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim()) ?? [];
    const place = `${quoted(path)}, line ${index + 1}`;
    if (name === undefined || value === undefined) {
      throw new Failure(`${place}: a line must be NAME=value, with NAME in capital letters, digits and _`);
    }
    return [{ name, value, place }];
  });
}
