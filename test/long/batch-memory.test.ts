import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { bundledScript } from '../helpers/bundled-script.ts';

const SCRIPT = new URL('../helpers/batch-memory-process.ts', import.meta.url);
/** Heap limit: one message takes 34 MB of it, in base64, as bytes and as text. */
const HEAP_MIB = 128;

test('messages of 10 MB that would expand to millions of values are read or refused in little memory', async () => {
  const script = await bundledScript(SCRIPT);
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const lines = output.trim().split('\n');
  expect(Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, string]))).toEqual({
    'a batch of empty objects': expect.stringMatching(
      /^too-large: batch must have at most 10000 events, got 10001 in its first 30003 characters$/,
    ),
    'a batch of zeros': expect.stringMatching(/^too-large: batch must have at most 10000 events/),
    'a batch of one event of zeros': expect.stringMatching(
      /^event must have at most 1048576 bytes, got 1000000\d$/,
    ),
    'a batch of one event of objects': expect.stringMatching(/^event must have at most 1048576 bytes/),
    'a batch of one event of many members': expect.stringMatching(/^event must have at most 1048576 bytes/),
    'an event of zeros': 'event',
    'an event of objects': 'event',
    'an event of objects out of order': 'event',
    'an event of numbers out of range': 'event',
    'an event of 10 MB': expect.stringMatching(/^too-large: event must have at most 1048576 bytes/),
  });
  expect([code, signal]).toEqual([0, null]);
});
