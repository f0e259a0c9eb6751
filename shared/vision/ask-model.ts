import { type AppError, toAppError } from '../core/errors.ts';
import { type RetryOptions, retry } from '../core/retry.ts';
import { UnusableAnswer } from './unusable-answer.ts';
import {
  NO_TOKENS,
  sumTokens,
  type TokenCounts,
  type VisionModel,
  type VisionQuestion,
} from './vision-model.ts';

export interface Spent {
  /** Tokens of every answer received, including unusable ones. */
  tokens: TokenCounts;
  /** Requests sent: one that timed out or was cut off may have been billed too. */
  asks: number;
}

export const NOTHING_SPENT: Spent = { tokens: NO_TOKENS, asks: 0 };

export function sumSpent(spent: readonly Spent[]): Spent {
  return {
    tokens: sumTokens(spent.map(({ tokens }) => tokens)),
    asks: spent.reduce((sum, { asks }) => sum + asks, 0),
  };
}

export interface Asked<T> extends Spent {
  value: T;
  model: string;
}

export interface AskOptions extends Omit<RetryOptions, 'isTransient'> {
  /** Total attempts if answers are received but unusable. Default 3. */
  malformedTries?: number;
  /** Called after every request, including failed ones, with their total cost so far. */
  onSpent?: (spent: Spent) => void;
}

/**
 * Asks until `read` accepts the answer. `read` throws `malformed-answer` for an unusable one: it is asked again a
 * few times, then thrown. `quota`, `unavailable` and `timeout` are retried with backoff within the signal's time;
 * everything else is thrown at once.
 */
export async function askModel<T>(
  model: VisionModel,
  question: VisionQuestion,
  read: (json: unknown) => T,
  options: AskOptions = {},
): Promise<Asked<T>> {
  const { malformedTries = 3, onSpent, ...retryOptions } = options;
  let spent = NOTHING_SPENT;
  let malformed = 0;
  const paid = (tokens: TokenCounts): void => {
    spent = { ...spent, tokens: sumTokens([spent.tokens, tokens]) };
  };

  return retry(
    async () => {
      spent = { ...spent, asks: spent.asks + 1 };
      try {
        const answer = await model.ask(question);
        paid(answer.tokens);
        return { value: read(answer.json), model: answer.model, ...spent };
      } catch (error) {
        if (error instanceof UnusableAnswer) paid(error.tokens);
        if (toAppError(error).code === 'malformed-answer') malformed++;
        throw error;
      } finally {
        onSpent?.(spent);
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
