import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  code: number | string | null;
  stdout: string;
  stderr: string;
}

/** Runs a shell command line, with `$PIPELINE` and `$START` in it; `onOutput` may end it. */
export function shell(
  line: string,
  onOutput: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  limitMs = 150_000,
) {
  const child = spawn('bash', ['-c', line], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      PIPELINE: `${process.execPath} cli/pipeline.js`,
      START: `${process.execPath} local/start.js`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      onOutput(texts.stdout + texts.stderr, (signal) => child.kill(signal));
    });
  }
  // a command that never ends must not block the suite
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  return new Promise<Ended>((resolve) =>
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal, ...texts });
    }),
  );
}
