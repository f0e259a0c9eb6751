import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env } from '../shared/core/settings.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const framework = join(
  dirname(createRequire(import.meta.url).resolve('@google-cloud/functions-framework')),
  'main.js',
);

export interface FunctionProcessOptions {
  name: string;
  /** Default: `cloudevent`. */
  signature?: 'cloudevent' | 'http';
  /** 0 picks a free port. */
  port: number;
  env: Env;
  /** Folder whose package.json names the bundle; default: this project. */
  source?: string;
  /** Command that runs node and its arguments, for instance one that limits resources. */
  prefix?: readonly string[];
  /** Called with every line the function writes. */
  onLine?: (line: string) => void;
  /** Called if it exits unexpectedly, before it is restarted. */
  onCrash?: (code: number | null, signal: string | null) => void;
}

export interface FunctionProcess {
  url: string;
  env: Env;
  /** Id of the current process. */
  pid(): number | undefined;
  close(): Promise<void>;
}

/** A functions-framework process that serves one function and is restarted whenever it dies. */
export async function startFunction(options: FunctionProcessOptions): Promise<FunctionProcess> {
  let closing = false;
  let { port } = options;
  let child = launch(options, port);
  const watch = (watched: ChildProcess): void => {
    watched.once('exit', (code, signal) => {
      // A process that never listened is not restarted.
      if (closing || port === 0) return;
      options.onCrash?.(code, signal);
      // delays the restart, so that a function that dies at start does not spin
      setTimeout(() => {
        if (closing) return;
        child = launch(options, port);
        watch(child);
      }, 100);
    });
  };
  watch(child);
  try {
    port = await listening(child, port);
  } catch (error) {
    closing = true;
    child.kill('SIGKILL');
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}/`,
    env: options.env,
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

function launch(options: FunctionProcessOptions, port: number): ChildProcess {
  const node = [process.execPath, '--require', join(root, 'local/preload.cjs'), framework];
  const [command = '', ...args] = [...(options.prefix ?? []), ...node];
  const child = spawn(command, args, {
    cwd: options.source ?? root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ...options.env,
      FUNCTION_TARGET: options.name,
      FUNCTION_SIGNATURE_TYPE: options.signature ?? 'cloudevent',
      PORT: String(port),
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

/**
 * Resolves with its port once it listens there (reported by preload.cjs); rejects when it has exited, or after 20
 * s.
 */
function listening(child: ChildProcess, wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const where = wanted === 0 ? 'a port' : `port ${wanted}`;
    const timer = setTimeout(() => {
      reject(new Error(`the function process did not listen on ${where} within 20 s`));
    }, 20_000);
    child.once('message', (message: unknown) => {
      clearTimeout(timer);
      resolve(Number((message as { port?: unknown }).port));
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(
        new Error(
          `the function process ended with ${signal ?? `code ${code}`} before it listened on ${where}`,
        ),
      );
    });
  });
}
