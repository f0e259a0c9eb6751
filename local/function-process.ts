import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Env } from '../shared/runtime/config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const framework = join(
  dirname(createRequire(import.meta.url).resolve('@google-cloud/functions-framework')),
  'main.js',
);

export interface FunctionProcessOptions {
  name: string;
  port: number;
  env: Env;
  /** Folder whose package.json names the bundle; this project by default. */
  source?: string;
  /** Every line the function writes. */
  onLine?: (line: string) => void;
  /** It ended without being told to, and is started again. */
  onCrash?: (code: number | null, signal: string | null) => void;
}

export interface FunctionProcess {
  url: string;
  /** Of the process that runs now. */
  pid(): number | undefined;
  close(): Promise<void>;
}

/** One functions-framework process that serves one function, started again whenever it dies. */
export async function startFunction(options: FunctionProcessOptions): Promise<FunctionProcess> {
  let closing = false;
  let child = launch(options);
  const watch = (watched: ChildProcess): void => {
    watched.once('exit', (code, signal) => {
      if (closing) return;
      options.onCrash?.(code, signal);
      // A function that dies at start must not spin.
      setTimeout(() => {
        if (closing) return;
        child = launch(options);
        watch(child);
      }, 100);
    });
  };
  watch(child);
  await answers(options.port, () => child.exitCode);
  return {
    url: `http://127.0.0.1:${options.port}/`,
    pid: () => child.pid,
    async close() {
      closing = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await ended;
      clearTimeout(killer);
    },
  };
}

function launch(options: FunctionProcessOptions): ChildProcess {
  const child = spawn(process.execPath, ['--require', join(root, 'local/preload.cjs'), framework], {
    cwd: options.source ?? root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ...options.env,
      FUNCTION_TARGET: options.name,
      FUNCTION_SIGNATURE_TYPE: 'cloudevent',
      PORT: String(options.port),
      NODE_ENV: 'production',
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) if (stream) lines(stream, options.onLine ?? (() => {}));
  return child;
}

function lines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) onLine(line);
  });
  stream.on('end', () => rest && onLine(rest));
}

/** Resolves when the port takes connections; rejects when the process ended or 20 s have passed. */
async function answers(port: number, exitCode: () => number | null): Promise<void> {
  const until = Date.now() + 20_000;
  while (Date.now() < until) {
    if (exitCode() !== null) throw new Error(`function process ended with code ${exitCode()} at start`);
    if (await takesConnection(port)) return;
    await sleep(20);
  }
  throw new Error(`function process did not listen on port ${port} within 20 s`);
}

function takesConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
