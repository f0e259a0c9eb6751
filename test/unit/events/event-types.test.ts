import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, expectTypeOf, test } from 'vitest';
import { eventTypesSource } from '../../../schemas/generate-types.ts';
import type { VideoFramed1 } from '../../../schemas/types.ts';
import type { CloudEvent, EventOf } from '../../../shared/events/cloud-event.ts';

const schemas = fileURLToPath(new URL('../../../schemas', import.meta.url));

let dir: string | undefined;
afterEach(() => {
  if (dir) rmSync(dir, { recursive: true, force: true });
  dir = undefined;
});

function folderOf(files: Record<string, unknown>): string {
  dir = mkdtempSync(join(tmpdir(), 'event-types-'));
  for (const [path, schema] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), JSON.stringify(schema));
  }
  return dir;
}

test('schemas/types.ts is current: npm run schemas:types', async () => {
  expect(readFileSync(join(schemas, 'types.ts'), 'utf8')).toBe(await eventTypesSource(schemas));
});

test('the data of an event has the type of its schema', () => {
  expectTypeOf<CloudEvent<'video.framed'>['data']>().toEqualTypeOf<VideoFramed1>();
  expectTypeOf<CloudEvent<'video.framed'>['data']['moments'][number]['seconds']>().toEqualTypeOf<number>();
  expectTypeOf<CloudEvent<'video.rejected'>['data']['question']>().not.toEqualTypeOf<
    VideoFramed1['question']
  >();
  expectTypeOf<CloudEvent<'parcel.moved'>['data']>().toEqualTypeOf<unknown>();
  expectTypeOf<CloudEvent['data']>().toEqualTypeOf<unknown>();
});

test('the type of an event determines the type of its data', () => {
  type Event = EventOf<'video.framed' | 'video.rejected'>;
  type Framed = Extract<Event, { type: 'video.framed' }>;
  expectTypeOf<Framed['data']>().toEqualTypeOf<VideoFramed1>();
});

test('versions of a type are a union, and definitions of two schemas do not share a name', async () => {
  const address = { type: 'object', required: ['city'], properties: { city: { type: 'string' } } };
  const user = (required: string[]) => ({
    title: 'A user',
    description: 'Data of a user.',
    type: 'object',
    required,
    properties: { title: { type: 'string', title: 'Form' }, home: { $ref: '#/$defs/address' } },
    $defs: { address: { ...address, title: 'Address' } },
  });
  const source = await eventTypesSource(
    folderOf({
      'user.created/1.json': user([]),
      'user.created/2.json': user(['title']),
      'user-created/1.json': { type: 'array', items: { enum: ['a', 'b'] } },
      'ping/1.json': { type: 'string' },
    }),
  );
  expect(source).toContain("    'user.created': UserCreated1_2 | UserCreated2;\n");
  expect(source).toContain("    'user-created': UserCreated1;\n");
  expect(source).toContain('    ping: Ping1;\n');
  expect(source).toContain("export type UserCreated1 = ('a' | 'b')[];");
  expect(source).toMatch(
    /export interface UserCreated1_2 \{\n {2}title\?: string;\n {2}home\?: UserCreated1_2Address;\n\}/,
  );
  expect(source).toMatch(
    /export interface UserCreated2 \{\n {2}title: string;\n {2}home\?: UserCreated2Address;\n\}/,
  );
  expect(source).toContain("/shared/events/event-data.ts' {");
});

test('a schema that refers to a file is refused by name, and nothing is read', async () => {
  const folder = folderOf({ 'order.paid/1.json': { $ref: 'other.json' } });
  await expect(eventTypesSource(folder)).rejects.toThrow('schemas/order.paid/1.json: ');
});
