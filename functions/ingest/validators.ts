import { compileValidators } from '../../schemas/compile.ts';
import type { Validators } from '../../shared/events/validate.ts';

/**
 * The schemas' validators, by type and version. build.ts puts generated code in the place of this module; run
 * from source, in tests, they are compiled here.
 */
export const validators: Validators = compileValidators();
