import type { VisionModel } from './vision-model.ts';

/** What an adapter needs to know; one that needs less ignores the rest. */
export interface VisionOptions {
  project: string;
  /** Where the model is served: for Vertex AI a region, `us`, `eu` or `global`. */
  location: string;
  model: string;
  /** Host and port in place of the vendor's, for local runs and tests. */
  apiEndpoint?: string | undefined;
}

/** Loads the vendor's client with the first question: no other function pays for it. */
export type OpenVisionModel = (options: VisionOptions) => Promise<VisionModel>;

/** The adapters by the value of `GEMINI_SDK` that chooses each. Another vendor is one more entry. */
export const VISION_ADAPTERS = new Map<string, OpenVisionModel>([
  ['vertexai', async (options) => (await import('./gemini-vertexai.ts')).createVertexaiGemini(options)],
  ['genai', async (options) => (await import('./gemini-genai.ts')).createGenaiGemini(options)],
]);
