/**
 * The one question we ask of Gemini: parts in, JSON by a schema out. Two adapters answer it, one per SDK;
 * test/contract/gemini.ts holds them to the same behaviour.
 */
export type GeminiPart =
  | { text: string }
  /** A video Gemini opens itself. `fps` in (0, 24]; 1 where absent. */
  | { videoUri: string; mimeType: string; fps?: number }
  /** Bytes sent along. */
  | { inline: Uint8Array; mimeType: string; fps?: number };

/** The subset of OpenAPI schemas that Vertex AI takes as `responseSchema`. */
export interface ResponseSchema {
  type: 'OBJECT' | 'ARRAY' | 'STRING' | 'NUMBER' | 'INTEGER' | 'BOOLEAN';
  description?: string;
  properties?: Record<string, ResponseSchema>;
  required?: string[];
  items?: ResponseSchema;
  nullable?: boolean;
}

export interface GeminiQuestion {
  parts: GeminiPart[];
  schema: ResponseSchema;
  signal?: AbortSignal | undefined;
}

export interface TokenCounts {
  prompt: number;
  output: number;
  thoughts: number;
  total: number;
}

export interface GeminiAnswer {
  /** Parsed JSON, not yet checked against the schema: models break their word. */
  json: unknown;
  /** What answered, as the service names it. */
  model: string;
  tokens: TokenCounts;
}

/**
 * Throws AppError: `quota` (429), `unavailable` (5xx, broken connection), `timeout`, `denied` (401, 403),
 * `blocked` (safety), `malformed-answer` (no candidate, not JSON, cut off by the output limit),
 * `invalid-config` (404: no such model or location).
 */
export interface Gemini {
  ask(question: GeminiQuestion): Promise<GeminiAnswer>;
}
