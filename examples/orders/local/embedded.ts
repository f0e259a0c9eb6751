import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { ClientMessages, leavesTransactionOpen, queryMessage } from './postgres-messages.ts';

export interface EmbeddedOptions {
  dir?: string;
  /** Default: a free one. */
  port?: number;
  from?: Uint8Array<ArrayBuffer>;
}

export interface EmbeddedDatabase {
  url: string;
  /** Closes every connection, as a server does that restarts: open transactions are rolled back. */
  dropConnections(): void;
  close(): Promise<void>;
}

/** A transaction whose client is silent for longer is rolled back: everybody else waits for it. */
const IDLE_IN_TRANSACTION_MS = 10_000;

/**
 * PostgreSQL in this process, for tests and local runs, at an address that any client can use. It runs one
 * transaction at a time, and the others wait; settings of a session, such as timeouts, are ignored. Without `dir` it
 * lives in memory. `from`: files of a cluster, as `emptyCluster` gives them; making one takes seconds.
 */
export async function startEmbedded({
  dir,
  port = 0,
  from,
}: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const db = await PGlite.create({
    ...(dir !== undefined && { dataDir: dir }),
    ...(from !== undefined && { loadDataDir: new Blob([from]) }),
  });
  const turns = new Turns(db);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, turns);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`,
    dropConnections,
    async close() {
      server.close();
      dropConnections();
      await once(server, 'close');
      await turns.end();
      await db.close();
    },
  };
}

/** Files of a cluster that is just initialized. */
export async function emptyCluster(): Promise<Uint8Array<ArrayBuffer>> {
  const db = await PGlite.create();
  const files = await db.dumpDataDir('none');
  await db.close();
  return new Uint8Array(await files.arrayBuffer());
}

/** One client at a time: a statement of one must not come between those of another's transaction. */
class Turns {
  readonly #db: PGlite;
  readonly #waiting: { by: Socket; run(): Promise<void> }[] = [];
  #owner: Socket | undefined;
  #running: Promise<void> | undefined;

  constructor(db: PGlite) {
    this.#db = db;
  }

  /** Runs the messages of one statement when it is the client's turn, and returns the answer. */
  take(by: Socket, messages: readonly Buffer[]): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        const answer = await this.#run(messages).catch(reject);
        if (answer === undefined) return;
        this.#owner = leavesTransactionOpen(answer) ? by : undefined;
        resolve(answer);
      };
      this.#waiting.push({ by, run });
      this.#next();
    });
  }

  /** Forgets a client that is gone, with its transaction. */
  leave(by: Socket): void {
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      if (this.#waiting[at]?.by === by) this.#waiting.splice(at, 1);
    }
    const run = async (): Promise<void> => {
      if (this.#owner !== by) return;
      await this.#run([queryMessage('rollback')]);
      this.#owner = undefined;
    };
    this.#waiting.push({ by, run });
    this.#next();
  }

  async end(): Promise<void> {
    while (this.#running) await this.#running;
  }

  #next(): void {
    if (this.#running) return;
    const at = this.#waiting.findIndex(({ by }) => this.#owner === undefined || by === this.#owner);
    const [turn] = at === -1 ? [] : this.#waiting.splice(at, 1);
    if (turn === undefined) return;
    this.#running = turn.run().finally(() => {
      this.#running = undefined;
      this.#next();
    });
  }

  #run(messages: readonly Buffer[]): Promise<Uint8Array> {
    return this.#db.runExclusive(() => this.#db.execProtocolRaw(Buffer.concat(messages)));
  }
}

function serve(socket: Socket, turns: Turns): void {
  const messages = new ClientMessages();
  let before = Promise.resolve();
  let idle: NodeJS.Timeout | undefined;
  const answer = async (unit: readonly Buffer[]): Promise<void> => {
    clearTimeout(idle);
    const bytes = await turns.take(socket, unit);
    if (leavesTransactionOpen(bytes)) idle = setTimeout(() => socket.destroy(), IDLE_IN_TRANSACTION_MS);
    socket.write(bytes);
  };
  socket.setNoDelay(true);
  // the client died, or was killed
  socket.on('error', () => undefined);
  socket.once('close', () => {
    clearTimeout(idle);
    turns.leave(socket);
  });
  socket.on('data', (chunk: Buffer) => {
    for (const unit of messages.read(chunk)) {
      if (unit.kind === 'encryption') socket.write('N');
      else if (unit.kind === 'end') socket.end();
      else before = before.then(() => answer(unit.messages)).catch(() => void socket.destroy());
    }
  });
}
