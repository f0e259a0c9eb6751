import type { App } from '../shared/app/define-app.ts';
import { withOptional } from '../shared/app/optional.ts';
import type { Cloud } from './cloud.ts';
import { shortName } from './cloud-types.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';

/**
 * The app with its optional functions of this run: those whose options are given, and those without a value that an
 * earlier run deployed, which would grow old otherwise. `--destroy` takes all.
 */
export async function appOfRun(
  app: App,
  options: Pick<Options, 'action' | 'optional' | 'only'>,
  { cloud, names }: { cloud: Pick<Cloud, 'functions'>; names: Pick<Names, 'function'> },
): Promise<App> {
  if (options.action === 'destroy') return withOptional(app);
  const there = new Set((await cloud.functions()).map(({ name }) => shortName(name)));
  const stays = Object.entries(app.optional ?? {}).filter(
    ([, { value, functions = [] }]) =>
      value === undefined &&
      functions.some(({ name }) => options.only === name || there.has(names.function(name))),
  );
  return withOptional(app, {
    ...Object.fromEntries(stays.map(([option]) => [option, true as const])),
    ...options.optional,
  });
}
