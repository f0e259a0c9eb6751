// By path, not by name: the package's index also loads @google/genai, which this adapter does not use.
import type { GenerateContentRequest } from '@google-cloud/vertexai';
import { GenerativeModel } from '@google-cloud/vertexai/build/src/models/generative_models.js';
import { GoogleAuth } from 'google-auth-library';
import { readAnswer } from './gemini-answer.ts';
import { geminiError, untilAborted } from './gemini-errors.ts';
import { type GeminiOptions, toRestRequest, vertexHost } from './gemini-request.ts';
import type { VisionModel } from './vision-model.ts';

/**
 * Gemini through `@google-cloud/vertexai`, one HTTP request per question. The SDK accepts no abort signal: an
 * aborted question ends at once for the caller, while its request continues unread (at most 300 s, the time fetch
 * waits for headers) and may be billed.
 */
export function createVertexaiGemini(options: GeminiOptions): VisionModel {
  // the VertexAI class would build the same, but print a deprecation notice at each start
  const model = new GenerativeModel({
    model: options.model,
    project: options.project,
    location: options.location,
    apiEndpoint: vertexHost(options),
    // if the project is given, the library neither runs gcloud nor queries the metadata server for it
    googleAuth: new GoogleAuth({
      projectId: options.project,
      scopes: 'https://www.googleapis.com/auth/cloud-platform',
    }),
  });
  const asked = `Gemini ${options.model} in ${options.location}`;

  return {
    async ask(question) {
      // its types lack newer fields (fps, thinking); at run time the request is forwarded unchanged
      const request = toRestRequest(question, options) as unknown as GenerateContentRequest;
      const { response } = await untilAborted(question.signal, () =>
        model.generateContent(request).catch((error: unknown) => {
          throw geminiError(error, asked);
        }),
      );
      return readAnswer(response, options.model);
    },
  };
}
