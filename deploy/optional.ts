import type { App } from '../shared/app/define-app.ts';
import { withOptional } from '../shared/app/optional.ts';
import type { Options } from './options.ts';

/**
 * The app with its optional functions of this run: those whose options are given, and the one that `--only` names, if
 * its option has no value. Any other is stopped, as docs/deploy.md says of each option. `--destroy` takes all.
 */
export function appOfRun(app: App, options: Pick<Options, 'action' | 'optional' | 'only'>): App {
  if (options.action === 'destroy') return withOptional(app);
  const named = Object.entries(app.optional ?? {}).filter(
    ([, { value, functions = [] }]) =>
      value === undefined && functions.some(({ name }) => options.only === name),
  );
  return withOptional(app, {
    ...Object.fromEntries(named.map(([option]) => [option, true as const])),
    ...options.optional,
  });
}
