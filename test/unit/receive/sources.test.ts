import { expect, test } from 'vitest';
import { SourceKeys } from '../../../functions/receive/source-keys.ts';
import { readKeys, sourceOf } from '../../../functions/receive/sources.ts';
import { createLogger } from '../../../shared/core/log.ts';

const [OLD, NEW] = ['old-key-of-the-shop-1', 'new-key-of-the-shop-2'];

test.each<[string, string | undefined]>([
  ['/github/site', 'github/site'],
  ['/eventgrid/a-1/', 'eventgrid/a-1'],
  ['/hmac/0', 'hmac/0'],
  ['/', undefined],
  ['/github', undefined],
  ['/github/', undefined],
  ['/github/a/b', undefined],
  ['/gitlab/site', undefined],
  ['/github/Site', undefined],
  ['/github/..', undefined],
  ['/github/-a', undefined],
  [`/github/${'a'.repeat(41)}`, undefined],
  ['/constructor/a', undefined],
])('the path %s names the source %s', (path, id) => {
  expect(sourceOf(path)?.id).toBe(id);
});

test('lines are sources and keys; several lines of a source are several keys', () => {
  const text = `# shop\r\ngithub/shop ${OLD}\r\n\ngithub/shop\t${NEW}\nstripe/till a key with spaces\n`;
  const { keys, mistakes } = readKeys(text);
  expect([...keys]).toEqual([
    ['github/shop', [OLD, NEW]],
    ['stripe/till', ['a key with spaces']],
  ]);
  expect(mistakes).toEqual([]);
});

test.each<[string, string]>([
  ['github/shop', 'must be KIND/NAME KEY'],
  ['gitlab/shop a-key-that-is-long', 'must be KIND/NAME KEY'],
  ['github/Shop a-key-that-is-long', 'must be KIND/NAME KEY'],
  ['github/shop short', 'must have a key of at least 16 characters, got 5'],
  [
    'hmac/shop whsec_!!!!!!!!!!!!!!!!!!!!',
    'must have a key of at least 16 bytes in base64 after whsec_, got 0',
  ],
  [
    Array.from({ length: 5 }, (_, index) => `github/shop number-${index}-of-the-keys`).join('\n'),
    'must be one of at most 4 keys of github/shop',
  ],
])('a bad line (%#) costs its own source alone, and its mistake shows no key', (line, mistake) => {
  const { keys, mistakes } = readKeys(`${line}\nstripe/till ${OLD}`);
  expect(keys.get('stripe/till')).toEqual([OLD]);
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toContain(mistake);
  expect(mistakes[0]).not.toMatch(/key-that|!!!|number-/);
});

function keysOver(texts: (string | Error)[]) {
  const state = { now: 1_000_000, reads: 0, lines: [] as string[] };
  const keys = new SourceKeys({
    async read() {
      const found = texts[Math.min(state.reads++, texts.length - 1)]!;
      if (found instanceof Error) throw found;
      return found;
    },
    log: createLogger({ write: (line) => void state.lines.push(line) }),
    now: () => state.now,
  });
  return { keys, state };
}

test('keys are read once for concurrent requests, and again after five minutes', async () => {
  const { keys, state } = keysOver([`github/shop ${OLD}`, `github/shop ${NEW}`]);
  const found = await Promise.all(Array.from({ length: 50 }, () => keys.of('github/shop')));
  expect(new Set(found.flat())).toEqual(new Set([OLD]));
  state.now += 299_999;
  expect(await keys.of('github/shop')).toEqual([OLD]);
  expect(state.reads).toBe(1);
  state.now += 1;
  expect(await keys.of('github/shop')).toEqual([NEW]);
  expect(state.reads).toBe(2);
});

test('a storm of forged requests reads the keys once a second', async () => {
  const { keys, state } = keysOver([`github/shop ${OLD}`]);
  await keys.of('github/shop');
  for (let at = 0; at < 5_000; at++) {
    state.now += 1;
    await keys.again('github/shop');
  }
  expect(state.reads).toBe(6);
});

test('keys of the last read stay valid while the file cannot be read, or lost a line', async () => {
  const { keys, state } = keysOver([`github/shop ${OLD}`, new Error('quota'), 'github/shop x']);
  expect(await keys.of('github/shop')).toEqual([OLD]);
  state.now += 2_000;
  expect(await keys.again('github/shop')).toEqual([OLD]);
  expect(state.lines.join()).toContain('keys of sources not read');
  state.now += 2_000;
  expect(await keys.again('github/shop')).toEqual([]);
  expect(state.lines.at(-1)).toContain('line 1 must have a key of at least 16 characters, got 1');
});

test('without any keys a request is put off, not refused', async () => {
  const { keys } = keysOver([new Error('no such secret')]);
  await expect(keys.of('github/shop')).rejects.toMatchObject({ code: 'unavailable' });
});
