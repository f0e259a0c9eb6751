import { compileValidators, readSchemas, schemaFolders } from '../../schemas/compile.ts';
import type { App } from '../../shared/app/define-app.ts';
import type { Validators } from '../../shared/events/validate.ts';

const compiled = new WeakMap<Pick<App, 'schemas'>, Validators>();

/**
 * Validators of the core's schemas and the app's own, by type and version. build.ts replaces this module with code
 * generated for one app; when run from source, as in tests, the schemas are compiled here.
 */
export function validatorsOf(app: Pick<App, 'schemas'>): Validators {
  const known = compiled.get(app) ?? compileValidators(readSchemas(schemaFolders(app)));
  compiled.set(app, known);
  return known;
}
