import { generate } from '../../local/vertex/generate.ts';
import { readAnswer } from '../../shared/vision/gemini-answer.ts';
import { toRestRequest } from '../../shared/vision/gemini-request.ts';
import type { VisionModel } from '../../shared/vision/vision-model.ts';
import { anyFfmpeg } from './event-clips.ts';

/** The local Gemini, without its server: it sees videos and stills of the request itself. */
export function standInModel(dir: string): VisionModel {
  const eyes = { openObject: async () => undefined, ffmpegPath: anyFfmpeg(), dir };
  return {
    async ask(question) {
      const body = JSON.stringify(toRestRequest(question, { project: 'p', model: 'm', location: 'global' }));
      const { signal } = new AbortController();
      const { response } = await generate(body, 'm', { kind: 'none' }, eyes, signal);
      return readAnswer(response, 'm');
    },
  };
}
