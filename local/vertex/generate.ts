import { randomUUID } from 'node:crypto';
import { answerBySchema, type Seen } from './answer-by-schema.ts';
import type { Fault } from './faults.ts';
import { formatDuration } from './format-duration.ts';
import { type Eyes, look, type MediaTokens } from './look.ts';
import { type AskedQuestion, parseQuestion } from './request.ts';

export interface Usage {
  promptTokenCount: number;
  candidatesTokenCount: number;
  totalTokenCount: number;
  promptTokensDetails: { modality: string; tokenCount: number }[];
  candidatesTokensDetails: { modality: string; tokenCount: number }[];
  trafficType: 'ON_DEMAND';
}

export interface Generated {
  response: Record<string, unknown>;
  usage: Usage;
  /** `gs://` objects that were read. */
  uris: string[];
}

/** Answers a request body with a GenerateContentResponse; some faults change its content. Throws GoogleError. */
export async function generate(
  body: string,
  model: string,
  fault: Fault,
  eyes: Eyes,
  signal: AbortSignal,
): Promise<Generated> {
  const question = parseQuestion(body);
  const { seen: honest, tokens } = await look(question, eyes, signal);
  const seen = fault.kind === 'fickle' ? anotherMoment(honest) : honest;
  const whole = question.schema
    ? JSON.stringify(answerBySchema(question.schema, seen))
    : seen.moments.map(({ description }) => description).join(' ') || 'Nothing new is seen.';
  const limit = question.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const cutOff = fault.kind === 'max-tokens' || textTokens(whole) > limit;
  const text = fault.kind === 'malformed' ? `Here it is: ${whole.slice(0, -1)}` : whole;
  const shown = cutOff ? text.slice(0, Math.min(Math.floor(text.length / 2), limit * 4)) : text;
  const silent = fault.kind === 'empty' || fault.kind === 'safety' || fault.kind === 'prompt-block';

  const usage = usageOf(question, tokens, silent ? 0 : textTokens(shown));
  const candidate = {
    content: { role: 'model', parts: [{ text: shown }] },
    finishReason: cutOff ? 'MAX_TOKENS' : 'STOP',
    avgLogprobs: -0.1,
  };
  const response: Record<string, unknown> = {
    ...contentOf(fault, candidate),
    usageMetadata: usage,
    modelVersion: model,
    createTime: new Date().toISOString(),
    responseId: randomUUID(),
  };
  const uris = question.parts.flatMap((part) => (part.kind === 'video' ? [part.uri] : []));
  return { response, usage, uris };
}

/** Any time or still up to the real one: a plausible answer of a model that changes its mind. */
function anotherMoment({ moments }: Seen): Seen {
  const upTo = (last: number): number => Math.floor(Math.random() * (last + 1));
  return {
    moments: moments.map((moment) => {
      if (moment.still !== undefined) return { ...moment, still: 1 + upTo(moment.still - 1) };
      const seconds = upTo(Math.floor(moment.seconds ?? 0));
      return { ...moment, seconds, timestamp: formatDuration(seconds, false) };
    }),
  };
}

function contentOf(fault: Fault, candidate: Record<string, unknown>): Record<string, unknown> {
  if (fault.kind === 'empty') return {};
  if (fault.kind === 'prompt-block') {
    return { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } };
  }
  if (fault.kind === 'safety') {
    const rating = { category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH', blocked: true };
    return { candidates: [{ finishReason: 'SAFETY', safetyRatings: [rating] }] };
  }
  return { candidates: [candidate] };
}

function usageOf(question: AskedQuestion, media: MediaTokens, output: number): Usage {
  const text = question.parts.reduce(
    (sum, part) => sum + (part.kind === 'text' ? textTokens(part.text) : 0),
    0,
  );
  const details = Object.entries({ TEXT: text, VIDEO: media.video, AUDIO: media.audio, IMAGE: media.image })
    .filter(([, tokenCount]) => tokenCount > 0)
    .map(([modality, tokenCount]) => ({ modality, tokenCount }));
  const prompt = details.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: output,
    totalTokenCount: prompt + output,
    promptTokensDetails: details,
    candidatesTokensDetails: output > 0 ? [{ modality: 'TEXT', tokenCount: output }] : [],
    trafficType: 'ON_DEMAND',
  };
}

function textTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
