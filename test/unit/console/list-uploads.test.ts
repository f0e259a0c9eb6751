import { expect, test } from 'vitest';
import { openCommands } from '../../../console/commands.ts';
import { rangeOf } from '../../../console/media.ts';
import { listUploads } from '../../../console/uploads.ts';
import { videoNames } from '../../../functions/video/records.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { FULL } from '../../helpers/full-form.ts';

test.each([
  [undefined, undefined],
  ['bytes=0-', { from: 0, to: 10 }],
  ['bytes=3-5', { from: 3, to: 6 }],
  ['bytes=3-99', { from: 3, to: 10 }],
  ['bytes=-4', { from: 6, to: 10 }],
  ['bytes=-99', { from: 0, to: 10 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=5-3', 'unsatisfiable'],
  ['bytes=-', undefined],
  ['bytes=0-1,3-4', undefined],
  ['items=0-1', undefined],
] as const)('range %s of 10 bytes', (header, expected) => {
  expect(rangeOf(header, 10)).toEqual(expected);
});

test.runIf(FULL)('more uploads than are sorted: pages by name hold each once', async () => {
  const storage = createMemoryStorage();
  const frames = storage.bucket('frames');
  const names = Array.from({ length: 1_500 }, (_, index) => `clips/${index}.mp4`);
  for (const name of names) {
    const object = { bucket: 'raw', name, generation: '7' };
    const metadata = { 'source-bucket': 'raw', 'source-name': name, 'source-generation': '7' };
    for (const file of [0, 1, 2].map((index) => videoNames(object).frame(index, 1, 'png')))
      await frames.putIfAbsent(file, Buffer.from('x'), { contentType: 'image/png', metadata });
  }
  const env = { STORAGE_API_ENDPOINT: 'http://127.0.0.1:1' };
  const commands = openCommands({ cloud: false }, env);
  const context = { ...commands.uploads(new AbortController().signal), storage };
  const seen: string[] = [];
  let looked = 0;
  let cursor: string | undefined;
  do {
    const page = await listUploads(context, {
      cursor,
      prefix: '',
      limit: 48,
      raw: undefined,
      lake: undefined,
    });
    expect(page.order).toBe('name');
    expect(page.uploads.length).toBeLessThanOrEqual(48);
    seen.push(...page.uploads.map(({ name }) => name));
    looked += page.looked;
    cursor = page.next;
  } while (cursor !== undefined);
  expect(seen).toEqual([...names].sort());
  // the first page has looked at more, to see whether all can be sorted
  expect(looked).toBeLessThan(4_500 + 100);
});
