import { type App, withOptional } from '../shared/app/define-app.ts';
import type { Cloud } from './cloud.ts';
import { shortName } from './cloud-types.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';

/**
 * The app with its optional functions of this run: those whose options are given, and those that an earlier run
 * deployed, which would grow old otherwise. `--destroy` takes all.
 */
export async function appOfRun(
  app: App,
  options: Pick<Options, 'action' | 'optional' | 'only'>,
  { cloud, names }: { cloud: Pick<Cloud, 'functions'>; names: Pick<Names, 'function'> },
): Promise<App> {
  if (options.action === 'destroy') return withOptional(app);
  const there = new Set((await cloud.functions()).map(({ name }) => shortName(name)));
  const wanted = Object.entries(app.optional).filter(
    ([option, { name }]) =>
      options.optional.includes(option) || options.only === name || there.has(names.function(name)),
  );
  return withOptional(
    app,
    wanted.map(([option]) => option),
  );
}
