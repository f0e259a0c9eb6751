import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { privateBundle } from '../../build.ts';
import { type FunctionProcess, startFunction } from '../../local/function-process.ts';
import { freePort } from '../../local/ports.ts';
import { emptyFunction } from '../helpers/empty-function.ts';
import type { LoadResult } from '../helpers/load.ts';
import { cpuMicros } from '../helpers/processes.ts';
import type { Emit } from './main.ts';

/** Time of one publish request, in ms. */
const PUBLISH_MS = 20;
const SECONDS = 6;
const ROUNDS = 3;
/** Requests a second that a deployment must carry. */
const WANTED = 2_000;

const run = promisify(execFile);
const loader = fileURLToPath(new URL('../helpers/receive-load-process.ts', import.meta.url));

/**
 * Signed GitHub deliveries of 1 KB at `receiveEvent`, and at an empty HTTP function, by turns in one run. Pub/Sub is a
 * server that confirms each publish request after 20 ms, and counts the messages.
 */
export async function bench(emit: Emit): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-receive-'));
  const sources = join(dir, 'sources');
  await writeFile(sources, 'github/bench a-key-for-the-benchmark\n');
  const [bundle, empty, pubsub] = await Promise.all([privateBundle(), emptyFunction('http'), startPubsub()]);
  const receiving = await startFunction({
    name: 'receiveEvent',
    signature: 'http',
    port: await freePort(),
    env: {
      ...{ PUBSUB_API_ENDPOINT: pubsub.url, GOOGLE_CLOUD_PROJECT: 'demo', STATE_BUCKET: 'state' },
      ...{ EVENTS_TOPIC: 'events', DEAD_LETTER_TOPIC: 'dead', RECEIVE_SOURCES_FILE: sources },
    },
    source: bundle.dir,
  });
  const idle = await startFunction({
    ...{ name: 'empty', signature: 'http' as const, port: await freePort(), env: {} },
    source: empty.dir,
  });
  try {
    for (const concurrency of [1, 250]) {
      const both: { ours: Measured[]; none: Measured[] } = { ours: [], none: [] };
      for (const one of [receiving, idle]) await load(one, concurrency, 2);
      for (let round = 0; round < ROUNDS; round++) {
        pubsub.forget();
        const ours = await load(receiving, concurrency, SECONDS);
        if (ours.failed > 0 || pubsub.messages() < ours.events) {
          throw new Error(`${ours.events} accepted, ${pubsub.messages()} published, ${ours.failed} failed`);
        }
        both.ours.push(ours);
        both.none.push(await load(idle, concurrency, SECONDS));
      }
      report(emit, `receive.${concurrency}`, median(both.ours), median(both.none), concurrency === 250);
    }
  } finally {
    await Promise.all([receiving.close(), idle.close(), pubsub.close()]);
    await Promise.all([bundle.remove(), empty.remove(), rm(dir, { recursive: true, force: true })]);
  }
}

interface Measured extends LoadResult {
  /** CPU time of the function's process per request, in microseconds: depends less on what else the machine does. */
  cpu: number | undefined;
}

function report(emit: Emit, name: string, ours: Measured, none: Measured, isFull: boolean): void {
  emit({ name, value: ours.perSecond, unit: 'requests/s', plain: none.perSecond });
  emit({ name: `${name}.p50`, value: ours.p50, unit: 'ms', plain: none.p50 });
  emit({ name: `${name}.p95`, value: ours.p95, unit: 'ms', plain: none.p95 });
  if (ours.cpu !== undefined) {
    emit({ name: `${name}.cpu`, value: ours.cpu, unit: 'us of CPU per request', plain: none.cpu ?? 0 });
  }
  if (!isFull) return;
  emit({
    name: `${name}.instances`,
    value: Math.ceil(WANTED / ours.perSecond),
    unit: `instances of this machine for ${WANTED} requests/s`,
  });
}

const median = (results: Measured[]): Measured =>
  results.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(results.length / 2)]!;

async function load({ url, pid }: FunctionProcess, concurrency: number, seconds: number): Promise<Measured> {
  const args = ['--import', 'tsx', loader, url, String(concurrency), String(seconds)];
  const before = cpuMicros(pid()!);
  const { stdout } = await run(process.execPath, args);
  const result = JSON.parse(stdout) as LoadResult;
  const after = cpuMicros(pid()!);
  const cpu =
    before === undefined || after === undefined ? undefined : Math.round((after - before) / result.events);
  return { ...result, cpu };
}

/** Confirms publish requests. Only counts, so that it takes little of the machine. */
async function startPubsub() {
  let count = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const messages = Buffer.concat(chunks).toString('latin1').split('{"data":').length - 1;
      setTimeout(() => {
        count += messages;
        const messageIds = Array.from({ length: messages }, (_, index) => String(index));
        response.end(JSON.stringify({ messageIds }));
      }, PUBLISH_MS);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages: () => count,
    forget() {
      count = 0;
    },
    close: () => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)),
  };
}
