import { toAppError } from '../../shared/core/errors.ts';
import type { GeminiOptions } from '../../shared/vision/gemini-request.ts';
import type { VisionModel, VisionQuestion } from '../../shared/vision/vision-model.ts';

/**
 * One adapter in its own process, because extra certificate authorities and the metadata server's address are
 * read only at process start. Questions and answers travel over IPC.
 */
export type ChildMessage =
  | { kind: 'ask'; id: number; question: Omit<VisionQuestion, 'signal'>; aborted: boolean }
  | { kind: 'abort'; id: number };

export type ChildReply =
  | { kind: 'answer'; id: number; answer: unknown }
  | { kind: 'failure'; id: number; name: string; code: string; message: string; tokens: unknown };

const [sdk, settings] = process.argv.slice(2);
const options = JSON.parse(settings ?? '{}') as GeminiOptions;
const gemini = await create();
const running = new Map<number, AbortController>();

process.on('message', (message: ChildMessage) => {
  if (message.kind === 'abort') {
    running.get(message.id)?.abort();
    return;
  }
  const { id, question } = message;
  const controller = new AbortController();
  if (message.aborted) controller.abort();
  running.set(id, controller);
  gemini
    .ask({ ...question, signal: controller.signal })
    .then(
      (answer): ChildReply => ({ kind: 'answer', id, answer }),
      (thrown: unknown): ChildReply => {
        const { name, code, message } = toAppError(thrown);
        return { kind: 'failure', id, name, code, message, tokens: (thrown as { tokens?: unknown }).tokens };
      },
    )
    .then((reply) => {
      running.delete(id);
      process.send?.(reply);
    });
});

async function create(): Promise<VisionModel> {
  if (sdk === 'genai') {
    const { createGenaiGemini } = await import('../../shared/vision/gemini-genai.ts');
    return createGenaiGemini(options);
  }
  const { createVertexaiGemini } = await import('../../shared/vision/gemini-vertexai.ts');
  return createVertexaiGemini(options);
}
