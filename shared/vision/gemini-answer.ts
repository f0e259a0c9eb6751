import { UnusableAnswer } from './unusable-answer.ts';
import type { TokenCounts, VisionAnswer } from './vision-model.ts';

const FENCE = '```';

const BLOCKED: ReadonlySet<string> = new Set([
  'SAFETY',
  'RECITATION',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
]);

/** Reads a GenerateContentResponse of either SDK. Throws UnusableAnswer. */
export function readAnswer(response: unknown, askedModel: string): VisionAnswer {
  const body = record(response);
  const tokens = readTokens(record(body['usageMetadata']));
  const blockReason = text(record(body['promptFeedback'])['blockReason']);
  if (blockReason && blockReason !== 'BLOCK_REASON_UNSPECIFIED') {
    throw new UnusableAnswer('blocked', `Gemini refused the question: blockReason ${blockReason}`, tokens);
  }
  const candidates = body['candidates'];
  if (!Array.isArray(candidates) || candidates.length === 0) {
    throw new UnusableAnswer('malformed-answer', 'Gemini answered without a candidate', tokens);
  }
  const candidate = record(candidates[0]);
  const finish = text(candidate['finishReason']) ?? 'STOP';
  if (BLOCKED.has(finish)) {
    throw new UnusableAnswer('blocked', `Gemini withheld its answer: finishReason ${finish}`, tokens);
  }
  if (finish !== 'STOP' && finish !== 'FINISH_REASON_UNSPECIFIED') {
    const why = `finishReason must be STOP, got ${finish} from Gemini after ${tokens.output} output and ${tokens.thoughts} thought tokens`;
    throw new UnusableAnswer('malformed-answer', why, tokens);
  }
  const model = text(body['modelVersion']) ?? askedModel;
  return { json: parseJson(answerText(candidate), tokens), model, tokens };
}

function answerText(candidate: Record<string, unknown>): string {
  const parts = record(candidate['content'])['parts'];
  if (!Array.isArray(parts)) return '';
  return parts
    .map(record)
    .filter((part) => part['thought'] !== true)
    .map((part) => text(part['text']) ?? '')
    .join('');
}

function parseJson(answer: string, tokens: TokenCounts): unknown {
  try {
    return JSON.parse(withoutFence(answer));
  } catch {
    const message = `Gemini's answer must be JSON, got ${answer.length} characters that are not`;
    throw new UnusableAnswer('malformed-answer', message, tokens, { found: answer });
  }
}

/** Some models wrap JSON in a code fence despite the schema. No regular expression: it would take quadratic time. */
function withoutFence(answer: string): string {
  const text = answer.trim();
  const lineEnd = text.indexOf('\n');
  if (!text.startsWith(FENCE) || !text.endsWith(FENCE) || lineEnd < 0) return answer;
  const language = text.slice(FENCE.length, lineEnd).trim();
  const isFence = (language === '' || language === 'json') && text.length >= lineEnd + FENCE.length;
  return isFence ? text.slice(lineEnd + 1, -FENCE.length) : answer;
}

function readTokens(usage: Record<string, unknown>): TokenCounts {
  const prompt = count(usage['promptTokenCount']);
  const output = count(usage['candidatesTokenCount']);
  const thoughts = count(usage['thoughtsTokenCount']);
  return { prompt, output, thoughts, total: count(usage['totalTokenCount']) || prompt + output + thoughts };
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
