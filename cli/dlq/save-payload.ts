import { placeFault } from '../../local/make-folder.ts';
import { printable } from '../../local/terminal-text.ts';
import { writeWhole } from '../common/new-file.ts';
import { Failure } from '../common/options.ts';

/** Writes a new file that only its owner may read. Throws Failure. */
export function savePayload(file: string, payload: Uint8Array): void {
  try {
    writeWhole(file, payload, { mode: 0o600, isNew: true });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new Failure(
      isThere
        ? `${printable(file)} already exists: name a new file`
        : `--payload ${printable(file)} cannot be written: ${placeFault(error) ?? printable((error as Error).message)}`,
    );
  }
}
