import { AppError } from '../../../shared/core/errors.ts';
import { rebuild } from '../read-models/rebuild.ts';
import { parseDatabaseUrl } from './connect.ts';
import { migrate, ownMigrations } from './migrate.ts';
import { createPool } from './pool.ts';

const HELP = `Commands on the database that DATABASE_URL names:

  node --import tsx examples/orders/database/main.ts migrate   applies the migrations that it lacks
  node --import tsx examples/orders/database/main.ts rebuild   builds the read models anew from the events
`;

/** A migration may rewrite a table, and waits for another one that runs. */
const MINUTES = 60_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const commands: Readonly<Record<string, (pool: ReturnType<typeof createPool>) => Promise<void>>> = {
  async migrate(pool) {
    const names = await migrate(pool, await ownMigrations());
    for (const name of names) print(`${name} applied`);
    if (names.length === 0) print('nothing to do: all migrations were applied before');
  },
  async rebuild(pool) {
    print(`read models rebuilt from ${await rebuild(pool)} events`);
  },
};

async function main([name = '', ...rest]: string[]): Promise<number> {
  const command = Object.hasOwn(commands, name) && rest.length === 0 ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(HELP);
    return 2;
  }
  try {
    const url = parseDatabaseUrl(process.env);
    const pool = createPool({ url, connections: 1, statementMs: 30 * MINUTES, lockMs: 10 * MINUTES });
    await command(pool).finally(() => pool.close());
    return 0;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    process.stderr.write(`${error.code}: ${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
