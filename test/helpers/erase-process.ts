import { DeltaTable, eraseRows } from '../../shared/delta/index.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/**
 * Erases rows of a table and kills itself with SIGKILL at a step: 2n - 1 is before its n-th write, 2n after it but
 * before it gets the answer. Arguments: endpoint of storage, folder, note of the rows, step (0: never).
 */
const [endpoint = '', path = '', note = '', step = '0'] = process.argv.slice(2);

function dyingStore(inner: ObjectStore): ObjectStore {
  let now = 0;
  const tick = (): void => {
    if (++now === Number(step)) process.kill(process.pid, 'SIGKILL');
  };
  return {
    ...inner,
    bucket: inner.bucket,
    async putIfAbsent(name, body, options) {
      tick();
      const outcome = await inner.putIfAbsent(name, body, options);
      tick();
      return outcome;
    },
  };
}

const inner = createGcsStorage({ apiEndpoint: endpoint }).bucket('lake');
const store = dyingStore({
  bucket: inner.bucket,
  stat: (...args) => inner.stat(...args),
  get: (...args) => inner.get(...args),
  getRange: (...args) => inner.getRange(...args),
  putIfAbsent: (...args) => inner.putIfAbsent(...args),
  replaceIf: (...args) => inner.replaceIf(...args),
  list: (...args) => inner.list(...args),
  delete: (...args) => inner.delete(...args),
});
const table = await DeltaTable.open(store, path);
const outcome = await eraseRows(table, { note: { eq: note } }, { reason: 'a test' });
process.stdout.write(JSON.stringify(outcome));
