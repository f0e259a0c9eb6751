import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, quoted } from '../cli/common/options.ts';
import { ROOT } from './source.ts';

/** Set by the deployment: a different one would take a function to somebody else's bucket. */
const OURS =
  /^(GOOGLE_CLOUD_PROJECT|(RAW|FRAMES|STATE|LAKE)_BUCKET|(EVENTS|MAINTENANCE|DEAD_LETTER)_TOPIC|REPLAY_TOPIC_PREFIX|GOOGLE_FUNCTION_SOURCE|FUNCTION_[A-Z_]+|K_[A-Z_]+|PORT)$/;

/** `NAME=value` lines; empty ones and those that begin with # are left out. Throws Failure. */
export function readSettings(file: string | undefined, root = ROOT): Record<string, string> {
  const path = file ?? join(root, 'deploy.env');
  if (file === undefined && !existsSync(path)) return {};
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new Failure(`--settings: ${quoted(path)} cannot be read: give a file of NAME=value lines`);
  }
  const settings: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim()) ?? [];
    const where = `${quoted(path)}, line ${index + 1}`;
    if (name === undefined || value === undefined) throw new Failure(`${where}: NAME=value is allowed`);
    if (OURS.test(name)) throw new Failure(`${where}: ${name} is set by the deployment: take the line out`);
    settings[name] = value;
  }
  return settings;
}
