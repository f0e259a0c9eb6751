/**
 * A model that analyses video and pictures and answers with JSON. All questions go through this interface;
 * `adapters.ts` lists the vendors, and test/contract/gemini.ts holds each adapter to the same behaviour.
 */

/** Parts of a question, in order. */
export type VisionPart =
  | { text: string }
  /** A video that the model opens itself. `fps`: frames per second to sample, in (0, 24]; default 1. */
  | { videoUri: string; mimeType: string; fps?: number }
  /** A video or picture whose bytes are part of the request. */
  | { inline: Uint8Array; mimeType: string; fps?: number };

/**
 * The form of the answer: the subset of OpenAPI schemas that Vertex AI takes as `responseSchema`. An adapter of a
 * vendor that wants JSON Schema turns the type names into lower case.
 */
export interface ResponseSchema {
  type: 'OBJECT' | 'ARRAY' | 'STRING' | 'NUMBER' | 'INTEGER' | 'BOOLEAN';
  description?: string;
  properties?: Record<string, ResponseSchema>;
  required?: string[];
  items?: ResponseSchema;
  nullable?: boolean;
}

export interface VisionQuestion {
  parts: VisionPart[];
  schema: ResponseSchema;
  signal?: AbortSignal | undefined;
}

/** Tokens billed. A vendor without thoughts reports 0 of them. */
export interface TokenCounts {
  prompt: number;
  output: number;
  thoughts: number;
  total: number;
}

/** US dollars per million tokens; thoughts are billed as output. */
export interface TokenPrices {
  input: number;
  output: number;
}

export interface VisionAnswer {
  /** Parsed JSON, not checked against the schema: models do not always follow it. */
  json: unknown;
  /** Name of the answering model, as the service reports it. */
  model: string;
  tokens: TokenCounts;
}

/**
 * Throws AppError: `quota` (429), `unavailable` (5xx, broken connection), `timeout`, `denied` (401, 403),
 * `not-found-yet` (the video cannot be read), `too-long` and `unsupported-media` (the video cannot be used),
 * `invalid-config` (no such model or location), and UnusableAnswer for an answer that came and was paid for:
 * `blocked` (safety), `malformed-answer` (no candidate, not JSON, cut off by the output limit).
 */
export interface VisionModel {
  ask(question: VisionQuestion): Promise<VisionAnswer>;
}

export const NO_TOKENS: TokenCounts = { prompt: 0, output: 0, thoughts: 0, total: 0 };

export function sumTokens(counts: readonly TokenCounts[]): TokenCounts {
  return counts.reduce(
    (sum, { prompt, output, thoughts, total }) => ({
      prompt: sum.prompt + prompt,
      output: sum.output + output,
      thoughts: sum.thoughts + thoughts,
      total: sum.total + total,
    }),
    NO_TOKENS,
  );
}

/** Cost of the tokens, in US dollars. */
export function dollarsOf({ prompt, output, thoughts }: TokenCounts, prices: TokenPrices): number {
  return (prompt * prices.input + (output + thoughts) * prices.output) / 1_000_000;
}
