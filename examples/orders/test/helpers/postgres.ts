import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../../../local/ports.ts';
import { createPool } from '../../database/pool.ts';

/** A server of our own. */
export interface Postgres {
  url: string;
  /** `fast` ends every session at once, as a maintenance of Cloud SQL does; `crash` is a power cut. */
  restart(how: 'fast' | 'crash'): Promise<void>;
  stop(): Promise<void>;
}

/** The folder of `postgres` and `initdb`; undefined if there is none on PATH. */
export function postgresPrograms(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.find((dir) => ['postgres', 'initdb'].every((program) => existsSync(join(dir, program))));
}

/** PostgreSQL refuses to run as root. */
interface Account {
  uid?: number;
  gid?: number;
}

/** A new cluster in a folder of its own, with the settings that a production server has. */
export async function startPostgres(programs: string): Promise<Postgres> {
  const account = accountToRunAs();
  const dir = await mkdtemp(join(tmpdir(), 'orders-postgres-'));
  const data = join(dir, 'data');
  await chmod(dir, 0o755);
  await mkdir(data);
  if (account.uid !== undefined) await chown(data, account.uid, account.gid!);
  const common = { ...account, cwd: dir, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
  const options = ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--no-sync'];
  execFileSync(join(programs, 'initdb'), options, { ...common, stdio: 'ignore' });
  const port = await freePort();
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  let server: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  const start = async (): Promise<void> => {
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((one) => ['-c', one])];
    const child = spawn(join(programs, 'postgres'), args, { ...common, stdio: 'ignore' });
    server = child;
    ended = new Promise((resolve) => child.once('close', resolve));
    await answers(url);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    server?.kill(signal);
    await ended;
  };
  await start();
  return {
    url,
    async restart(how) {
      // https://www.postgresql.org/docs/current/server-shutdown.html
      await end(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await start();
    },
    async stop() {
      await end('SIGINT');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const pool = createPool({ url, connections: 1 });
    try {
      await pool.query('select 1');
      return;
    } catch (error) {
      if (tries === 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await pool.close();
    }
  }
}

function accountToRunAs(): Account {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
