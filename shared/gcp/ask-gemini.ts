import { type AppError, toAppError } from '../core/errors.ts';
import { type RetryOptions, retry } from '../core/retry.ts';
import type { Gemini, GeminiQuestion, TokenCounts } from './gemini.ts';
import { UnusableAnswer } from './gemini-answer.ts';

export interface Spent {
  /** Of every answer that came, unusable ones included. */
  tokens: TokenCounts;
  /** Requests sent: one that timed out or was cut off may have been paid for too. */
  asks: number;
}

export interface Asked<T> extends Spent {
  value: T;
  model: string;
}

export interface AskOptions extends Omit<RetryOptions, 'isTransient'> {
  /** Tries in all where answers come but cannot be used. Default 3. */
  malformedTries?: number;
  /** Told after every request what all of them have cost so far, where the last one failed too. */
  onSpent?: (spent: Spent) => void;
}

export const NO_TOKENS: TokenCounts = { prompt: 0, output: 0, thoughts: 0, total: 0 };

export function addTokens(a: TokenCounts, b: TokenCounts): TokenCounts {
  return {
    prompt: a.prompt + b.prompt,
    output: a.output + b.output,
    thoughts: a.thoughts + b.thoughts,
    total: a.total + b.total,
  };
}

/**
 * Asks until `read` accepts the answer. `read` throws `malformed-answer` for one it cannot use: asked again a
 * few times, then thrown. `quota`, `unavailable` and `timeout` are retried with backoff inside the signal's
 * time; everything else is thrown at once.
 */
export async function askGemini<T>(
  gemini: Gemini,
  question: GeminiQuestion,
  read: (json: unknown) => T,
  options: AskOptions = {},
): Promise<Asked<T>> {
  const { malformedTries = 3, onSpent, ...retryOptions } = options;
  let tokens = NO_TOKENS;
  let asks = 0;
  let malformed = 0;

  return retry(
    async () => {
      asks++;
      try {
        const answer = await gemini.ask(question);
        tokens = addTokens(tokens, answer.tokens);
        return { value: read(answer.json), model: answer.model, tokens, asks };
      } catch (error) {
        if (error instanceof UnusableAnswer) tokens = addTokens(tokens, error.tokens);
        if (toAppError(error).code === 'malformed-answer') malformed++;
        throw error;
      } finally {
        onSpent?.({ tokens, asks });
      }
    },
    {
      signal: question.signal,
      ...retryOptions,
      isTransient: ({ code }) =>
        code === 'malformed-answer' ? malformed < malformedTries : RETRIED.has(code),
    },
  );
}

const RETRIED: ReadonlySet<AppError['code']> = new Set(['quota', 'unavailable', 'timeout']);
