import type { VisionModel } from './vision-model.ts';

/** Options of an adapter; one that needs fewer ignores the rest. */
export interface VisionOptions {
  project: string;
  /** Location of the model: for Vertex AI a region, `us`, `eu` or `global`. */
  location: string;
  model: string;
  /** Host and port that replace the vendor's, for local runs and tests. */
  apiEndpoint?: string | undefined;
}

/** Loads the vendor's client with the first question, so that no other function pays for it. */
export type OpenVisionModel = (options: VisionOptions) => Promise<VisionModel>;

/** Adapters by value of `GEMINI_SDK`. Another vendor is one more entry. */
export const VISION_ADAPTERS = new Map<string, OpenVisionModel>([
  ['vertexai', async (options) => (await import('./gemini-vertexai.ts')).createVertexaiGemini(options)],
  ['genai', async (options) => (await import('./gemini-genai.ts')).createGenaiGemini(options)],
]);
