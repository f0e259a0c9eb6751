import type { VisionAnswer, VisionModel, VisionQuestion } from '../../shared/vision/vision-model.ts';

/** Answer to one request: JSON, an error to throw, or a whole answer with its own token counts. */
export type Scripted = { json: unknown } | { error: Error } | { answer: VisionAnswer };

export interface ScriptedModel extends VisionModel {
  readonly questions: VisionQuestion[];
}

/** Answers each request with the next line of a script, at 10 prompt and 2 output tokens; fails past its end. */
export function scriptedModel(...script: Scripted[]): ScriptedModel {
  const questions: VisionQuestion[] = [];
  return {
    questions,
    async ask(question) {
      questions.push(question);
      const line = script[questions.length - 1];
      if (!line) throw new Error(`asked ${questions.length} times; the script has ${script.length} answers`);
      if ('error' in line) throw line.error;
      if ('answer' in line) return line.answer;
      const tokens = { prompt: 10, output: 2, thoughts: 0, total: 12 };
      return { json: line.json, model: 'gemini-scripted', tokens };
    },
  };
}

/** All text of a question, part by part. */
export function promptOf(question: VisionQuestion | undefined): string {
  return (question?.parts ?? []).map((part) => ('text' in part ? part.text : '[media]')).join('\n');
}
