import { spawn } from 'node:child_process';
import { AppError } from '../../../shared/core/errors.ts';
import type { Logger } from '../../../shared/core/log.ts';
import { killedFromOutside, notDone, outOfCpuTime } from './decoding-cost.ts';
import type { FfmpegBinary } from './ffmpeg.ts';
import { limited, limitsHold } from './process-limits.ts';
import type { Sandbox } from './sandbox.ts';

export interface FfmpegRun {
  binary: FfmpegBinary;
  args: readonly string[];
  timeLimitMs: number;
  /** Sandbox to run in; undefined if the system allows none. */
  sandbox: Sandbox | undefined;
  /** Memory that ffmpeg may use. */
  memoryBytes: number;
  signal: AbortSignal;
  /** Called with each line ffmpeg logs, cut at 1,000 characters. Return `enough` to end it. */
  onLine: (line: string) => undefined | 'enough';
  /** Called with its stdout; the next piece waits until this returns. */
  onOutput?: (bytes: Buffer) => void;
  log?: Pick<Logger, 'debug'> | undefined;
}

const LINE_LIMIT = 1_000;

/**
 * Runs ffmpeg under resource limits to its end and returns its exit code, or the name of the signal it crashed
 * with. Throws `unavailable` if it was killed from outside, `timeout` after the time limit, and the signal's reason
 * on abort, always after the process is gone. The shell that sets the limits receives the command as arguments,
 * never as text. Stdin is empty, and so is the environment: a proxy set there would be used even for the loopback
 * address.
 */
export async function runFfmpeg(run: FfmpegRun): Promise<number | string> {
  run.signal.throwIfAborted();
  const seconds = run.timeLimitMs / 1_000;
  const plain = { path: run.binary.path, args: run.args };
  const { memoryBytes, sandbox } = run;
  const limits = { memoryBytes, seconds, countProcesses: sandbox !== undefined };
  const bounded = (await limitsHold()) ? limited(plain, limits) : plain;
  const command = run.sandbox?.enter(bounded) ?? bounded;
  run.signal.throwIfAborted();
  const { PATH = '', LD_LIBRARY_PATH } = process.env;
  const child = spawn(command.path, command.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, AV_LOG_FORCE_NOCOLOR: '1', ...(LD_LIBRARY_PATH ? { LD_LIBRARY_PATH } : {}) },
    windowsHide: true,
  });
  const started = performance.now();
  const stop = (): void => void child.kill('SIGKILL');
  let late = false;
  let enough = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, run.timeLimitMs);
  run.signal.addEventListener('abort', stop, { once: true });
  let lastLine = '';
  const lines = lineSplitter((line) => {
    lastLine = line;
    if (!enough && run.onLine(line) === 'enough') {
      enough = true;
      stop();
    }
  });
  let thrown: unknown;
  const guarded = (handle: () => void): void => {
    try {
      handle();
    } catch (error) {
      thrown ??= error;
      stop();
    }
  };
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => guarded(() => lines(text)));
  child.stdout.on('data', (bytes: Buffer) => guarded(() => run.onOutput?.(bytes)));
  try {
    const ended = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
    const exit = sandbox ? (reportedByShell(ended, lastLine) ?? ended) : ended;
    if (thrown) throw thrown;
    run.signal.throwIfAborted();
    if (run.sandbox?.ended) throw new AppError('unavailable', 'the sandbox of ffmpeg ended');
    if (exit === 127 || exit === 126)
      throw new AppError('invalid-config', `ffmpeg at ${plain.path} does not start`);
    if (late && !enough) throw notDone(seconds);
    if (exit === 'SIGXCPU') throw outOfCpuTime(seconds);
    if (!enough && (exit === 'SIGKILL' || exit === 'SIGTERM')) throw killedFromOutside(exit);
    lines('\n');
    run.log?.debug('ffmpeg ended', { exit, ms: Math.round(performance.now() - started) });
    return exit;
  } finally {
    clearTimeout(timer);
    run.signal.removeEventListener('abort', stop);
  }
}

/**
 * The signal reported by the shell around ffmpeg: ffmpeg itself uses such exit codes, but never with these last
 * words.
 */
function reportedByShell(exit: number | string, lastLine: string): string | undefined {
  if (exit === 137 && /\bKilled\b/.test(lastLine)) return 'SIGKILL';
  if (exit === 152 && /CPU time limit exceeded/.test(lastLine)) return 'SIGXCPU';
  if (exit === 139 && /Segmentation fault/.test(lastLine)) return 'SIGSEGV';
  if (exit === 134 && /Aborted/.test(lastLine)) return 'SIGABRT';
  return undefined;
}

function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = text.split(/[\r\n]+/);
    lines[0] = rest + lines[0];
    rest = lines.pop()!.slice(0, LINE_LIMIT);
    for (const line of lines) if (line !== '') onLine(line.slice(0, LINE_LIMIT));
  };
}
