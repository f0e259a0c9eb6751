import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runLake } from '../../cli/lake/command.ts';
import { rowOf } from '../../functions/ingest/events-table.ts';
import type { DeltaTable, Row } from '../../shared/delta/index.ts';
import { parsePubsubMessage } from '../../shared/events/pubsub-message.ts';
import { readEvents } from '../../shared/events/read-events.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { openEventsTable } from './events-table.ts';
import { startTestGcs, type TestGcs } from './gcs.ts';
import { pushBody } from './messages.ts';
import { startTestPubsub, type TestPubsub } from './pubsub.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Ingest's default options for reading messages. */
export const READ_OPTIONS = {
  maxBytes: 1024 * 1024,
  maxDepth: 64,
  maxBatch: 10_000,
  defaultType: 'json',
  defaultSource: '//pubsub.googleapis.com',
};

/** The rows that ingest makes from a message received at `at`. */
export function rowsOfMessage(message: unknown, at: string): Row[] {
  const parsed = parsePubsubMessage(pushBody(message));
  return readEvents(parsed, READ_OPTIONS).outcomes.map((outcome) => {
    if (outcome.kind === 'refused') throw outcome.error;
    return rowOf(outcome.event, parsed, Date.parse(at));
  });
}

export interface CliRun {
  code: number | string | null;
  stdout: string;
  stderr: string;
}

export interface RunningCli {
  child: ChildProcess;
  stdout(): string;
  ended: Promise<CliRun>;
}

/** Runs the `pipeline` command in its own process. */
export function startCli(args: readonly string[], env: Record<string, string> = {}): RunningCli {
  const child = spawn(process.execPath, ['cli/pipeline.js', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<CliRun>((resolve) =>
    child.once('close', (code, signal) => resolve({ code: code ?? signal, stdout, stderr })),
  );
  return { child, stdout: () => stdout, ended };
}

/** The same inside this process, for tests of many command lines. */
export async function runHere(args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> {
  const texts = ['', ''];
  const [stdout, stderr] = [0, 1].map(
    (index) =>
      new Writable({
        write(chunk, _encoding, done) {
          texts[index] += String(chunk);
          done();
        },
      }),
  ) as [Writable, Writable];
  const code = await runLake([...args], { stdout, stderr, env });
  return { code, stdout: texts[0] ?? '', stderr: texts[1] ?? '' };
}

/** A table of events in a local storage server, and the command that reads it. */
export interface LakeScene {
  gcs: TestGcs;
  store: ObjectStore;
  table: DeltaTable;
  pubsub: TestPubsub | undefined;
  /** Value for `--local`: a folder with endpoints. */
  dir: string;
  lake(command: string, ...args: string[]): Promise<CliRun>;
  /** The same inside this process. */
  here(command: string, ...args: string[]): Promise<CliRun>;
  start(command: string, ...args: string[]): RunningCli;
  close(): Promise<void>;
}

export async function startLake(options: { pubsub?: boolean; now?: () => number } = {}): Promise<LakeScene> {
  const { now } = options;
  const gcs = await startTestGcs({ buckets: ['lake', 'state'], ...(now && { now }) });
  const pubsub = options.pubsub ? await startTestPubsub({ topics: ['events'] }) : undefined;
  const dir = gcs.dir;
  const endpoints = { gcs: gcs.server.url, ...(pubsub && { pubsub: pubsub.server.url }) };
  await writeFile(join(dir, 'endpoints.json'), JSON.stringify(endpoints));
  const store = gcs.storage().bucket('lake');
  const table = await openEventsTable(store, 'events');
  const start = (command: string, ...args: string[]): RunningCli =>
    startCli(['lake', command, '--local', dir, ...args]);
  return {
    gcs,
    store,
    table,
    pubsub,
    dir,
    start,
    here: (command, ...args) => runHere([command, '--local', dir, ...args]),
    lake: (command, ...args) => start(command, ...args).ended,
    async close() {
      await pubsub?.close();
      await gcs.close();
    },
  };
}
