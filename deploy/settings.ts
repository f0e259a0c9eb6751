import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, quoted } from '../cli/common/options.ts';
import { readSettingLines, type SettingLine } from '../local/settings-file.ts';
import { missingSettings, operatorMistake } from '../shared/app/app-settings.ts';
import { CORE_DIR, type LoadedApp } from '../shared/app/load-app.ts';
import type { Context } from './context.ts';
import { ROOT } from './source.ts';

/**
 * Reads settings for the functions of an app from a file of `NAME=value` lines; the default is `deploy.env` in the
 * app's folder (for the core, the project's), if it exists. Throws one Failure that lists every bad line.
 * @param env variables that the deployment sets itself; some values depend on them
 */
export function readSettings(
  file: string | undefined,
  { app, dir }: LoadedApp,
  env: Readonly<Record<string, string>>,
  root = ROOT,
): Record<string, string> {
  const path = file ?? join(root, dir === CORE_DIR ? '' : dir, 'deploy.env');
  if (file === undefined && !existsSync(path)) return {};
  const lines = linesOf(path);
  const settings = Object.fromEntries(lines.map(({ name, value }) => [name, value]));
  const mistakes = lines.flatMap(({ name, place }) => {
    const mistake = operatorMistake(app, name, { ...env, ...settings });
    return mistake === undefined ? [] : [`${place}: ${mistake}`];
  });
  if (mistakes.length > 0) throw new Failure(mistakes.join('\n'));
  return settings;
}

/** Throws one Failure that lists every setting that a function of the deployment needs and nobody has given. */
export function checkSettings({ app, settings }: Pick<Context, 'app' | 'settings'>): void {
  const missing = missingSettings(app, settings);
  if (missing.length === 0) return;
  throw new Failure(`${missing.join('\n')}\nwrite NAME=value lines into a file for --settings`);
}

function linesOf(path: string): SettingLine[] {
  try {
    return readSettingLines(path);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      `--settings must be a file of NAME=value lines, got ${quoted(path)}, which cannot be read`,
    );
  }
}
