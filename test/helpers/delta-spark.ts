import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../conformance/delta_spark.py', import.meta.url));

/** A Python that has pyspark and delta-spark, with Java installed; undefined if there is none. */
export function findSparkPython(): string | undefined {
  const venv = join(tmpdir(), 'delta-spark-venv', 'bin', 'python');
  const candidates = [process.env.DELTA_SPARK_PYTHON, venv, 'python3'].filter((path) => path !== undefined);
  return candidates.find((python) => {
    if (python.includes('/') && !existsSync(python)) return false;
    try {
      execFileSync(python, ['-c', 'import pyspark, delta'], { stdio: 'ignore' });
      execFileSync('java', ['-version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

/** Half the processor time of a short run: no code is optimised that runs once. */
export const SHORT_JAVA = { JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' };

export interface Spark {
  call<T>(command: string, ...args: (string | number)[]): Promise<T>;
  stop(): Promise<void>;
}

/** One Spark session, driven line by line. Throws if it does not start. */
export async function startSpark(python: string): Promise<Spark> {
  const child: ChildProcess = spawn(python, [SCRIPT], {
    env: { ...process.env, ...SHORT_JAVA },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('Spark has no pipes');
  const answers: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  const lines = createInterface({ input: stdout });
  lines.on('line', (line) => {
    if (!line.startsWith('{') && !line.startsWith('[')) return;
    const next = waiting.shift();
    if (next) next(line);
    else answers.push(line);
  });
  const exited = once(child, 'exit');
  const nextLine = async (): Promise<string> => {
    const ready = answers.shift();
    if (ready !== undefined) return ready;
    const line = new Promise<string>((resolve) => waiting.push(resolve));
    return Promise.race([line, exited.then(() => Promise.reject(new Error('Spark has gone')))]);
  };
  await nextLine();
  return {
    async call<T>(...command: (string | number)[]): Promise<T> {
      stdin.write(`${JSON.stringify(command)}\n`);
      const answer = JSON.parse(await nextLine()) as T & { error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    },
    async stop() {
      stdin.end();
      await exited;
    },
  };
}
