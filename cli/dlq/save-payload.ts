import { writeFile } from 'node:fs/promises';
import { printable } from '../../local/report.ts';
import { Failure } from '../common/options.ts';

/** In a new file, for its owner alone. Throws Failure. */
export async function savePayload(file: string, payload: Uint8Array): Promise<void> {
  try {
    // payloads are nobody else's business
    await writeFile(file, payload, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new Failure(
      isThere
        ? `${printable(file)} is there already: name a new file`
        : `--payload ${printable((error as Error).message)}`,
    );
  }
}
