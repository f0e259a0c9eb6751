import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Output, OutputClosed } from '../../../cli/common/output.ts';
import { fitted, textWidth } from '../../../cli/common/text-width.ts';
import { type Format, rowWriter, type ShownField } from '../../../cli/lake/formats.ts';
import { jsonLine, valueText } from '../../../cli/lake/values.ts';

/** A stream that records what it is given; with `isTTY` and `columns` if it is a terminal. */
function sink(terminal?: { columns: number }) {
  const stream = new Writable({
    write(chunk, _encoding, done) {
      shown.text += String(chunk);
      done();
    },
  });
  const shown = { text: '', stream: Object.assign(stream, terminal && { isTTY: true, ...terminal }) };
  return shown;
}

const FIELDS: ShownField[] = [
  { name: 'time', type: 'timestamp' },
  { name: 'event_id', type: 'string' },
  { name: 'data', type: 'string' },
];
const row = (data: string | null) => ({ time: 1_763_632_800_000_001n, event_id: 'ab'.repeat(32), data });

async function written(format: Format, data: (string | null)[], terminal?: { columns: number }, raw = false) {
  const target = sink(terminal);
  const writer = rowWriter({ format, raw }, FIELDS, new Output(target.stream, {}));
  await writer.write(data.map(row));
  await writer.end();
  return target.text;
}

describe('CSV', () => {
  test.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\nlines', '"two\nlines"'],
    ['', '""'],
    [null, ''],
    ['=1+1', '=1+1'],
    ['bell\u0007 \u001b[31m', 'bell\\u0007 \\u001b[31m'],
    ['\u007f\u0085\u009b31m', '\\u007f\\u0085\\u009b31m'],
    ['a\u202eb\u2066c\u2028d', 'a\\u202eb\\u2066c\\u2028d'],
    ['over\rwritten', 'over\\u000dwritten'],
    ['a\tb', 'a\tb'],
    ['می\u200cخواهم \u{1f468}\u200d\u{1f373}', 'می\u200cخواهم \u{1f468}\u200d\u{1f373}'],
  ])('%j is %j in a file', async (data, cell) => {
    const text = await written('csv', [data]);
    expect(text).toBe(`time,event_id,data\n2025-11-20T10:00:00.000001Z,${'ab'.repeat(32)},${cell}\n`);
  });

  test.each(['csv', 'csv-safe'] as const)('%s on a terminal: nothing acts', async (format) => {
    expect(await written(format, ['bell\u0007 \u009b31m \u202e'], { columns: 80 })).toMatch(
      /,bell\\u0007 \\u009b31m \\u202e\n$/,
    );
  });

  test('--raw keeps every character', async () => {
    const text = await written('csv', ['bell\u0007 \u009b31m\r'], undefined, true);
    expect(text.endsWith(',"bell\u0007 \u009b31m\r"\n')).toBe(true);
  });

  test.each([
    ['=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
    ['+1', `'+1`],
    ['-1', `'-1`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['\t=1', `"'\t=1"`],
    ['\r=1', `'\\u000d=1`],
    ['\uff1d1', `'\uff1d1`],
    ['a;=1', `"a;=1"`],
    ['1=1', '1=1'],
    ['{"a":"=1"}', `"{""a"":""=1""}"`],
  ])('csv-safe: %j is %j', async (data, cell) => {
    const text = await written('csv-safe', [data]);
    expect(text.endsWith(`${'ab'.repeat(32)},${cell}\n`)).toBe(true);
  });

  test('csv-safe: a number below zero stays a number', async () => {
    const target = sink();
    const form = { format: 'csv-safe', raw: false } as const;
    const writer = rowWriter(form, [{ name: 'n', type: 'long' }], new Output(target.stream, {}));
    await writer.write([{ n: -5n }]);
    expect(target.text).toBe('n\n-5\n');
  });

  test('a header without rows', async () => {
    expect(await written('csv', [])).toBe('time,event_id,data\n');
  });
});

describe('JSON lines', () => {
  test.each([
    ['long', 12345678901234567890n, '12345678901234567890'],
    ['long', -1n, '-1'],
    ['double', 0.1, '0.1'],
    ['double', Number.NaN, '"NaN"'],
    ['boolean', false, 'false'],
    ['timestamp', -1n, '"1969-12-31T23:59:59.999999Z"'],
    ['timestamp', 0n, '"1970-01-01T00:00:00.000Z"'],
    ['date', 20_412, '"2025-11-20"'],
    ['binary', new Uint8Array([255, 0]), '"/wA="'],
    ['string', null, 'null'],
    ['string', 'a\u0000\u007f\u009b\u2028\u{e0001}', '"a\\u0000\\u007f\\u009b\\u2028\\udb40\\udc01"'],
    ['string', '\ud800', '"\\ud800"'],
    [{ type: 'array' }, [1n, 'x\u202e'], '[1,"x\\u202e"]'],
  ])('%j %o', (type, value, expected) => {
    const line = jsonLine({ v: value }, [{ name: 'v', type: type as ShownField['type'] }]);
    expect(line).toBe(`{"v":${expected}}\n`);
    expect(() => JSON.parse(line)).not.toThrow();
  });

  test('a text survives a round trip', () => {
    const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('');
    expect(JSON.parse(jsonLine({ v: all }, [{ name: 'v', type: 'string' }]))).toEqual({ v: all });
  });
});

describe('a table', () => {
  test.each([40, 60, 80, 200])('fits %d columns, and the data takes the remaining width', async (columns) => {
    const text = await written('table', ['x'.repeat(300), '漢字'.repeat(100), null], { columns });
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(columns);
    expect(lines[1]).toMatch(/…$/);
  });

  test('times and the beginning of the id are not cut', async () => {
    const [, line] = (await written('table', ['x'.repeat(300)], { columns: 70 })).split('\n');
    expect(line).toMatch(/^2025-11-20T10:00:00\.000001Z {2}abababababab… {2}x+…$/);
  });

  test('prints the first rows once there are enough to know the widths, not at the end', async () => {
    const target = sink();
    const writer = rowWriter({ format: 'table', raw: false }, FIELDS, new Output(target.stream, {}));
    await writer.write(Array.from({ length: 150 }, () => row('a')));
    expect(target.text).toBe('');
    await writer.write(Array.from({ length: 150 }, () => row('b')));
    expect(target.text.split('\n')).toHaveLength(1 + 300 + 1);
  });

  test.each([
    ['漢字', 3, '漢…'],
    ['漢字', 4, '漢字'],
    ['abc', 5, 'abc  '],
    ['e\u0301x', 2, 'e\u0301x'],
    ['', 2, '  '],
  ])('%j in %d cells is %j', (text, width, expected) => {
    expect(fitted(text, width)).toBe(expected);
    expect(textWidth(fitted(text, width))).toBe(width);
  });
});

test('valueText of a time out of range', () => {
  expect(valueText(2n ** 63n - 1n, 'timestamp')).toBe('9223372036854775807 µs');
});

describe('backpressure', () => {
  test('a write waits until the stream takes more', async () => {
    let release: () => void = () => {};
    const stream = new Writable({
      highWaterMark: 10,
      write(_chunk, _encoding, done) {
        release = done;
      },
    });
    let isDone = false;
    const writing = new Output(stream, {}).write('x'.repeat(100)).then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    release();
    await writing;
  });

  test('a reader that has closed ends it, while it waits and at the next write', async () => {
    const stream = new Writable({ highWaterMark: 10, write: () => {} });
    const output = new Output(stream, {});
    const waiting = output.write('x'.repeat(100));
    stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await expect(waiting).rejects.toBeInstanceOf(OutputClosed);
    await expect(output.write('x')).rejects.toBeInstanceOf(OutputClosed);
  });

  test('any other failure is an error', async () => {
    const stream = new Writable({ highWaterMark: 10, write: () => {} });
    const output = new Output(stream, {});
    const waiting = output.write('x'.repeat(100));
    stream.destroy(new Error('no space left'));
    await expect(waiting).rejects.toThrow('no space left');
  });
});
