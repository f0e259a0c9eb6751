import { join } from 'node:path';
import { Failure } from '../cli/common/options.ts';
import { appSettings, operatorMistake, secretsOf } from '../shared/app/app-settings.ts';
import type { App } from '../shared/app/define-app.ts';
import { nearest } from '../shared/core/nearest.ts';
import type { Env } from '../shared/core/settings.ts';
import type { LocalService, LocalServices } from './hook.ts';
import { makeFolder } from './make-folder.ts';
import { inOneLine } from './terminal-text.ts';

export interface StartedServices {
  byName: Readonly<Record<string, LocalService>>;
  /** The settings and secrets of all of them. */
  env: Env;
  close(): Promise<void>;
}

/**
 * Starts the app's own local services, each with a folder below `dir`. If one fails, those before it are closed, and
 * the Failure names it. `given` is what the operator gave.
 */
export async function startServices(
  services: LocalServices,
  { app, dir, given }: { app: App; dir: string; given: Env },
): Promise<StartedServices> {
  const started: [string, LocalService][] = [];
  let env: Env = {};
  const close = async (): Promise<void> => {
    for (const [, service] of started.splice(0).reverse()) await service.close();
  };
  for (const [name, start] of Object.entries(services)) {
    try {
      const folder = join(dir, 'services', name);
      for (const one of [dir, join(dir, 'services'), folder]) makeFolder(one, 0o700);
      const service = await start({ dir: folder, settings: { ...env, ...given } });
      if (service === undefined) continue;
      started.push([name, service]);
      const mistakes = Object.keys(service.env).flatMap((key) => mistakeOf(app, key, service.env) ?? []);
      if (mistakes.length > 0) throw new Failure(mistakes.join('; '));
      env = { ...env, ...service.env };
    } catch (error) {
      await close().catch(() => undefined);
      throw new Failure(`local service ${name}: ${inOneLine(error)}`, { cause: error });
    }
  }
  return { byName: Object.fromEntries(started), env, close };
}

/** Says what is wrong with a variable that a service gives to the functions. */
function mistakeOf(app: App, name: string, env: Env): string | undefined {
  const secrets = app.functions.flatMap((one) => secretsOf(one).map((secret) => secret.name));
  if (secrets.includes(name)) return undefined;
  const settings = appSettings(app).map((setting) => setting.name);
  if (settings.includes(name)) return operatorMistake(app, name, env);
  const similar = nearest(name, [...settings, ...secrets]);
  return `no function declares ${name}${similar === undefined ? '' : `; did you mean ${similar}?`}`;
}
