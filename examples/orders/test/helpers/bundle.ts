import { rename, rm } from 'node:fs/promises';
import { privateBundle } from '../../../../build.ts';
import { loadApp } from '../../../../shared/app/load-app.ts';
import { madeOnce } from '../../../../test/helpers/made-once.ts';

/** Folder of the app's bundle, which is built once in a test run. */
export function ordersBundle(): Promise<string> {
  return madeOnce('orders-bundle', async (draft) => {
    const made = await privateBundle([], await loadApp('examples/orders'));
    await rm(draft, { recursive: true });
    await rename(made.dir, draft);
  });
}
