import { type GenerateContentConfig, GoogleGenAI } from '@google/genai';
import { readAnswer } from './gemini-answer.ts';
import { geminiError, untilAborted } from './gemini-errors.ts';
import { type GeminiOptions, toRestRequest, vertexHost } from './gemini-request.ts';
import type { VisionModel } from './vision-model.ts';

/**
 * Gemini on Vertex AI through `@google/genai`, one HTTP request per question: without `retryOptions` the SDK does
 * not retry. An abort closes the connection; work done by then may be billed.
 */
export function createGenaiGemini(options: GeminiOptions): VisionModel {
  const client = new GoogleGenAI({
    vertexai: true,
    project: options.project,
    location: options.location,
    apiVersion: 'v1',
    httpOptions: { baseUrl: `https://${vertexHost(options)}` },
    // if the project is given, the library neither runs gcloud nor queries the metadata server for it
    googleAuthOptions: { projectId: options.project },
  });
  const asked = `Gemini ${options.model} in ${options.location}`;

  return {
    async ask(question) {
      const { contents, generationConfig } = toRestRequest(question, options);
      // the names are the same as in REST, but REST's strings are enums here
      const config = generationConfig as GenerateContentConfig;
      const response = await untilAborted(question.signal, (abortSignal) =>
        client.models
          .generateContent({ model: options.model, contents, config: { ...config, abortSignal } })
          .catch((error: unknown) => {
            throw geminiError(error, asked);
          }),
      );
      return readAnswer(response, options.model);
    },
  };
}
