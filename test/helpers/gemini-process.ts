import { type ChildProcess, fork } from 'node:child_process';
import { AppError, type ErrorCode } from '../../shared/core/errors.ts';
import type { GeminiOptions } from '../../shared/vision/gemini-request.ts';
import type { VisionAnswer, VisionModel } from '../../shared/vision/vision-model.ts';
import type { ChildMessage, ChildReply } from '../contract/gemini-child.ts';
import { bundledScript } from './bundled-script.ts';

export interface GeminiProcess extends VisionModel {
  /** Its output so far, stdout and stderr. */
  output(): string;
  close(): Promise<void>;
}

/** An adapter in a child process; `environment` replaces variables, undefined removes them. */
export async function startGeminiProcess(
  sdk: 'vertexai' | 'genai',
  options: GeminiOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<GeminiProcess> {
  const child: ChildProcess = fork(
    await bundledScript(new URL('../contract/gemini-child.ts', import.meta.url)),
    [sdk, JSON.stringify(options)],
    {
      env: { ...process.env, ...environment },
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const waiting = new Map<number, (reply: ChildReply) => void>();
  let asked = 0;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  exited.then(() => {
    for (const [id, settle] of waiting) {
      settle({
        kind: 'failure',
        id,
        name: 'Error',
        code: 'internal',
        message: `died: ${output}`,
        tokens: undefined,
      });
    }
  });
  child.on('message', (reply: ChildReply) => waiting.get(reply.id)?.(reply));

  return {
    output: () => output,
    async ask({ signal, ...question }) {
      const id = ++asked;
      const onAbort = (): void => void child.send({ kind: 'abort', id } satisfies ChildMessage);
      const reply = await new Promise<ChildReply>((resolve) => {
        waiting.set(id, resolve);
        const aborted = signal?.aborted ?? false;
        child.send({ kind: 'ask', id, question, aborted } satisfies ChildMessage);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
      waiting.delete(id);
      signal?.removeEventListener('abort', onAbort);
      if (reply.kind === 'answer') return reply.answer as VisionAnswer;
      const error = new AppError(reply.code as ErrorCode, reply.message);
      throw Object.assign(error, { tokens: reply.tokens });
    },
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
