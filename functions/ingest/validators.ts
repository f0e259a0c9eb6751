import { compileValidators, readSchemas, schemaFolders } from '../../schemas/compile.ts';
import type { App } from '../../shared/app/define-app.ts';
import type { Validators } from '../../shared/events/validate.ts';

const compiled = new WeakMap<Pick<App, 'schemas'>, Validators>();

/**
 * Validators of the core's schemas and the app's own, by type and version. build.ts puts code that was generated for
 * one app in the place of this module; run from source, in tests, they are compiled here.
 */
export function validatorsOf(app: Pick<App, 'schemas'>): Validators {
  const known = compiled.get(app) ?? compileValidators(readSchemas(schemaFolders(app)));
  compiled.set(app, known);
  return known;
}
