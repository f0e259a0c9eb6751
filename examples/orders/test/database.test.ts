import { afterAll, beforeAll, describe } from 'vitest';
import { FULL } from '../../../test/helpers/full-form.ts';
import type { Pool } from '../database/pool.ts';
import { freshPool } from './helpers/database.ts';
import { eventStoreSuite } from './suites/event-store.ts';
import { migrationSuite } from './suites/migrations.ts';
import { outboxSuite } from './suites/outbox.ts';
import { readModelSuite } from './suites/read-models.ts';

/* On the embedded database; test/conformance/orders.test.ts has the same suites on a real one. */
let pool: Pool;
beforeAll(async () => {
  pool = await freshPool();
});
afterAll(() => pool.close());

describe('outbox', () => outboxSuite(() => pool));
describe('read models', () => readModelSuite(() => pool, { isConcurrent: false, lives: FULL ? 6 : 2 }));
describe('event store', () => eventStoreSuite(() => pool));
describe('migrations', () => migrationSuite(() => pool));
