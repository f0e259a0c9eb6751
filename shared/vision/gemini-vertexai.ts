// By path, not by name: the package's index also loads @google/genai, which this adapter has no use for.
import type { GenerateContentRequest } from '@google-cloud/vertexai';
import { GenerativeModel } from '@google-cloud/vertexai/build/src/models/generative_models.js';
import { GoogleAuth } from 'google-auth-library';
import { readAnswer } from './gemini-answer.ts';
import { geminiError, untilAborted } from './gemini-errors.ts';
import { type GeminiOptions, toRestRequest, vertexHost } from './gemini-request.ts';
import type { VisionModel } from './vision-model.ts';

/**
 * Gemini through `@google-cloud/vertexai`, one HTTP request an ask. The SDK takes no abort signal: an aborted
 * ask ends at once for the caller, while its request goes on unread (at most 300 s, the time fetch waits for
 * headers) and may be paid for.
 */
export function createVertexaiGemini(options: GeminiOptions): VisionModel {
  // the VertexAI class would build the same, and print a deprecation notice at each start
  const model = new GenerativeModel({
    model: options.model,
    project: options.project,
    location: options.location,
    apiEndpoint: vertexHost(options),
    // with the project known, the library neither runs gcloud nor asks the metadata server for it
    googleAuth: new GoogleAuth({
      projectId: options.project,
      scopes: 'https://www.googleapis.com/auth/cloud-platform',
    }),
  });
  const asked = `Gemini ${options.model} in ${options.location}`;

  return {
    async ask(question) {
      // its types stop at older fields (no fps, no thinking); at run time the request is passed on as it is
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
