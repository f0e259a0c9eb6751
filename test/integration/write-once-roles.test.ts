import { afterEach, expect, test } from 'vitest';
import { core } from '../../functions/app.ts';
import { functionNamed } from '../../shared/app/define-app.ts';
import { startTestGcs } from '../helpers/gcs.ts';
import { startRoleProxy } from '../helpers/role-proxy.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('a write that is refused because the object is there, before its precondition is looked at, finds it there', async () => {
  const proxy = await startRoleProxy(functionNamed(core, 'ingestEvent')!, core);
  cleanups.push(proxy.close);
  const gcs = await startTestGcs({ buckets: ['state'] });
  cleanups.push(() => gcs.close());
  proxy.target = gcs.server.url;
  const store = gcs.storage({ apiEndpoint: proxy.url }).bucket('state');
  expect(await store.putIfAbsent('failures/1', Buffer.from('a'))).toMatchObject({ kind: 'written' });
  expect(await store.putIfAbsent('failures/1', Buffer.from('b'))).toEqual({ kind: 'exists' });
  expect(proxy.occupied).toEqual(['state/failures/1']);
  // what is there cannot be replaced
  await expect(store.replaceIf('failures/1', '1', Buffer.from('c'))).rejects.toThrow(
    /storage\.objects\.delete/,
  );
});
