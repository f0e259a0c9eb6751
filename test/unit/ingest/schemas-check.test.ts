import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkSchemas } from '../../../schemas/check.ts';
import { breakages } from '../../../schemas/compare.ts';
import { compileValidators, readSchemas, validatorsSource } from '../../../schemas/compile.ts';

const ORDER = `{
  "type": "object",
  "required": ["id", "items"],
  "properties": {
    "id": {"type": "string", "minLength": 1},
    "state": {"enum": ["new", "paid"]},
    "total": {"type": "number", "minimum": 0},
    "items": {"type": "array", "maxItems": 10, "items": {"$ref": "#/$defs/item"}}
  },
  "$defs": {
    "item": {"type": "object", "required": ["sku"], "properties": {
      "sku": {"type": "string"}, "parts": {"items": {"$ref": "#/$defs/item"}}}}
  }
}`;

/** Text to find and replace in the schema, and what that breaks: the place, and a part of the message. */
const BREAKING: [name: string, find: string, replace: string, at: string, what: string][] = [
  ['a removed field', '"state": {"enum": ["new", "paid"]},', '', '/properties/state', 'is removed'],
  [
    'a retyped field',
    '"type": "number"',
    '"type": "string"',
    '/properties/total',
    'retyped, from "number" to "string"',
  ],
  [
    'a field that may be null now',
    '"type": "number"',
    '"type": ["number", "null"]',
    '/properties/total',
    'retyped',
  ],
  [
    'a new required field',
    '["id", "items"]',
    '["id", "items", "total"]',
    '/required',
    '"total" becomes required',
  ],
  ['a field no longer required', '["id", "items"]', '["id"]', '/required', '"items" is no longer required'],
  ['a narrowed enum', '["new", "paid"]', '["new"]', '/properties/state', '"paid" is gone'],
  [
    'an enum where there was none',
    '"type": "number", ',
    '"type": "number", "enum": [1], ',
    '/properties/total',
    'narrowed to [1]',
  ],
  [
    'a higher minimum',
    '"minimum": 0',
    '"minimum": 1',
    '/properties/total',
    'minimum is tightened, from 0 to 1',
  ],
  [
    'a lower maximum',
    '"maxItems": 10',
    '"maxItems": 9',
    '/properties/items',
    'maxItems is tightened, from 10 to 9',
  ],
  ['a new bound', '"minLength": 1', '"minLength": 1, "maxLength": 5', '/properties/id', 'maxLength 5 is new'],
  ['a pattern', '"minLength": 1', '"pattern": "^a"', '/properties/id', 'pattern changes'],
  [
    'no more additional fields',
    '"type": "object",',
    '"type": "object", "additionalProperties": false,',
    '/additionalProperties',
    'becomes false',
  ],
  [
    'a change behind a reference',
    '"sku": {"type": "string"}',
    '"sku": {"type": "integer"}',
    '/properties/items/items/properties/sku',
    'retyped',
  ],
  [
    'what cannot be judged',
    '"minLength": 1',
    '"minLength": 1, "not": {"const": "x"}',
    '/properties/id',
    'not changes',
  ],
];

test.each(BREAKING)('%s breaks readers', (_name, find, replace, at, what) => {
  expect(ORDER).toContain(find);
  const found = breakages(JSON.parse(ORDER), JSON.parse(ORDER.replace(find, replace)));
  expect(found).toEqual([{ at, what: expect.stringContaining(what) }]);
});

const HARMLESS: [name: string, find: string, replace: string][] = [
  ['nothing', '"id"', '"id"'],
  ['another order', '"id", "items"', '"items", "id"'],
  ['a description', '"minLength": 1', '"minLength": 1, "description": "of the shop"'],
  ['a new optional field', '"properties": {\n', '"properties": {\n "note": {"type": "string"},'],
  ['a wider enum', '"paid"]', '"paid", "sent"]'],
  ['wider bounds', '"maxItems": 10', '"maxItems": 20'],
  ['a bound that goes', ', "minimum": 0', ''],
];

test.each(HARMLESS)('%s breaks nobody', (_name, find, replace) => {
  expect(ORDER).toContain(find);
  expect(breakages(JSON.parse(ORDER), JSON.parse(ORDER.replace(find, replace)))).toEqual([]);
});

let dir: string | undefined;
afterEach(() => {
  if (dir) rmSync(dir, { recursive: true, force: true });
  dir = undefined;
});

test.each(['schemas', 'examples/shop/schemas'])(
  '%s is compared with a commit: changed and removed versions are named, new ones pass',
  (place) => {
    dir = mkdtempSync(join(tmpdir(), 'schemas-'));
    const root = dir;
    const write = (path: string, text: string): void => {
      mkdirSync(join(root, place, path, '..'), { recursive: true });
      writeFileSync(join(root, place, path), text);
    };
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, stdio: 'pipe' });
    write('order.created/1.json', ORDER);
    write('order.paid/1.json', ORDER);
    write('order.sent/1.json', ORDER);
    mkdirSync(join(root, 'elsewhere/order.lost'), { recursive: true });
    writeFileSync(join(root, 'elsewhere/order.lost/1.json'), ORDER);
    git('init', '-q');
    git('add', '.');
    git('-c', 'user.name=t', '-c', 'user.email=t@t.invalid', 'commit', '-q', '-m', 'schemas');
    write('order.created/1.json', ORDER.replace('["new", "paid"]', '["new"]'));
    write('order.created/2.json', '{"type": "array"}');
    rmSync(join(root, place, 'order.paid/1.json'));
    expect(checkSchemas(join(root, place), 'HEAD')).toEqual([
      {
        path: `${place}/order.created/1.json`,
        problems: [{ at: '/properties/state', what: 'is narrowed: "paid" is gone' }],
      },
      {
        path: `${place}/order.paid/1.json`,
        problems: [{ at: '/', what: expect.stringContaining('is removed') }],
      },
      { path: `${place}/order.sent/1.json`, problems: [] },
    ]);
    expect(() => checkSchemas(join(root, place), 'no-such-commit')).toThrow(
      'git knows no commit no-such-commit',
    );
  },
);

test.each([
  ['no JSON', '{"type":'],
  ['an unknown keyword', '{"propertees": {}}'],
  ['a reference that leads nowhere', '{"$ref": "other.json"}'],
  ['no schema', '[]'],
])('%s: the message names the file', (_name, text) => {
  dir = mkdtempSync(join(tmpdir(), 'schemas-'));
  const folder = dir;
  mkdirSync(join(folder, 'order.created'));
  writeFileSync(join(folder, 'order.created/1.json'), text);
  expect(() => compileValidators(readSchemas(folder))).toThrow('schemas/order.created/1.json: ');
  expect(() => validatorsSource(readSchemas(folder))).toThrow('schemas/order.created/1.json: ');
});

test('two commits are wrong usage', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'schemas/check.ts', 'HEAD', 'HEAD~1'],
    { cwd: new URL('../../..', import.meta.url), encoding: 'utf8' },
  );
  expect(status).toBe(2);
  expect(stderr).toContain('usage: npm run schemas:check');
});
