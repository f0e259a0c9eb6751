import { expect, test } from 'vitest';
import { isFolderPlaceholder, liveFacts } from '../../../functions/video/check-upload.ts';
import { questionsOf } from '../../../functions/video/questions.ts';
import { parseVideoConfig } from '../../../functions/video/settings.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectFacts, ObjectStore } from '../../../shared/storage/object-store.ts';

const FACTS: ObjectFacts = {
  name: 'a.mp4',
  generation: '1',
  metageneration: '1',
  size: 1,
  contentType: 'video/mp4',
  crc32c: '',
  metadata: {},
  updated: new Date(0),
};

function ask(metadata: Record<string, string>, env: Record<string, string> = {}) {
  const config = parseVideoConfig({ FRAMES_BUCKET: 'frames', STATE_BUCKET: 'state', ...env });
  return questionsOf({ ...FACTS, metadata }, config)[0];
}

const refusal = (message: string | RegExp) => expect.objectContaining({ code: 'invalid-metadata', message });

function refused(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test('an upload may ask for as many moments as the operator allows, or fewer', () => {
  expect(ask({}, { MAX_MOMENTS: '3' }).maxMoments).toBe(3);
  expect(ask({ 'max-moments': '3' }, { MAX_MOMENTS: '3' }).maxMoments).toBe(3);
  expect(ask({ 'max-moments': '1' }, { MAX_MOMENTS: '3' }).maxMoments).toBe(1);
});

test.each([
  ['4', 'max-moments must be at most 3 (MAX_MOMENTS), got 4'],
  ['20', 'max-moments must be at most 3 (MAX_MOMENTS), got 20'],
  ['0', 'max-moments must be 1 to 3, got a string of 1 character'],
  ['1e1', 'max-moments must be 1 to 3, got a string of 3 characters'],
])('max-moments %s of at most 3 is refused with both numbers', (asked, message) => {
  expect(refused(() => ask({ 'max-moments': asked }, { MAX_MOMENTS: '3' }))).toEqual(refusal(message));
});

test.each(['true', 'TRUE', '1', 'yes', ' Yes ', 'on'])('contact-sheet %s is a yes', (asked) => {
  expect(ask({ 'contact-sheet': asked }, { CONTACT_SHEET: 'true' }).contactSheet).toEqual({
    format: 'png',
    width: 1_280,
  });
  expect(refused(() => ask({ 'contact-sheet': asked }))).toEqual(
    refusal(`contact-sheet must be false (CONTACT_SHEET), got ${asked}`),
  );
});

test.each(['false', 'FALSE', '0', 'no', 'off'])('contact-sheet %s is a no', (asked) => {
  expect(ask({ 'contact-sheet': asked }, { CONTACT_SHEET: 'true' }).contactSheet).toBe(false);
});

test.each([
  ['', 'an empty string'],
  ['maybe', 'a string of 5 characters'],
  ['tru', 'a string of 3 characters'],
  ['2', 'a string of 1 character'],
])('contact-sheet %j is neither yes nor no, and refused', (asked, got) => {
  expect(refused(() => ask({ 'contact-sheet': asked }, { CONTACT_SHEET: 'true' }))).toEqual(
    refusal(`contact-sheet must be true, false, or a format such as webp@640, got ${got}`),
  );
});

test.each([
  ['webp', { format: 'webp', width: 1_280 }],
  ['JPG@640', { format: 'jpeg', width: 640 }],
  ['avif@96', { format: 'avif', width: 96 }],
])('contact-sheet %s is a format and a width', (asked, form) => {
  expect(ask({ 'contact-sheet': asked }, { CONTACT_SHEET: 'true' }).contactSheet).toEqual(form);
});

test.each(['webp@1281', 'png@95', 'png@99999'])('contact-sheet %s is refused with both widths', (asked) => {
  const width = asked.slice(asked.indexOf('@') + 1);
  expect(refused(() => ask({ 'contact-sheet': asked }, { CONTACT_SHEET: 'true' }))).toEqual(
    refusal(`contact-sheet must be 96 to 1280 pixels wide (CONTACT_SHEET_WIDTH), got ${width}`),
  );
});

test('characters are counted as people count them, and bytes have their own bound', () => {
  expect(ask({ moment: '\u{1f415}'.repeat(999) }).moment).toHaveLength(1_998);
  expect(ask({ moment: 'e\u0301'.repeat(1_000) }).moment).toHaveLength(2_000);
  expect(refused(() => ask({ moment: '\u{1f415}'.repeat(1_001) }))).toEqual(
    refusal('moment must have at most 1000 characters, got 1001'),
  );
  expect(refused(() => ask({ moment: `e${'\u0301'.repeat(5_000)}` }))).toEqual(
    refusal('moment must have at most 8192 bytes, got 10001'),
  );
});

/** A store that says "not found" this many times, and a clock that records its waits. */
function forgetful(times: number) {
  const storage = createMemoryStorage().bucket('raw');
  const waits: number[] = [];
  let left = times;
  const store: ObjectStore = {
    ...storage,
    stat: async (...args) => (left-- > 0 ? undefined : storage.stat(...args)),
  };
  const clock = { now: () => 0, sleep: async (ms: number) => void waits.push(ms) };
  return { storage, store, waits, options: { clock, signal: new AbortController().signal } };
}

test('a single "not found" is checked again a second later', async () => {
  const { storage, store, waits, options } = forgetful(1);
  await storage.putIfAbsent('a.mp4', Buffer.from('x'));
  const { generation } = (await storage.stat('a.mp4'))!;
  const object = { bucket: 'raw', name: 'a.mp4', generation };
  expect(await liveFacts(store, object, options)).toMatchObject({ generation });
  expect(waits).toEqual([1_000]);
  await expect(liveFacts(forgetful(2).store, object, options)).rejects.toMatchObject({ code: 'object-gone' });
});

test('an empty object whose name ends in a slash is a folder; one with bytes or another name is not', async () => {
  const { storage, options } = forgetful(0);
  const put = async (name: string, body: string) => {
    await storage.putIfAbsent(name, Buffer.from(body));
    const { generation } = (await storage.stat(name))!;
    return isFolderPlaceholder(storage, { bucket: 'raw', name, generation }, options.signal);
  };
  expect(await put('trip/', '')).toBe(true);
  expect(await put('full/', 'x')).toBe(false);
  expect(await put('empty.mp4', '')).toBe(false);
});
