import { AppError, type RetryableCode } from '../../../shared/core/errors.ts';

/** By SQLSTATE, or its class. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CODES: Readonly<Record<string, RetryableCode>> = {
  '08': 'unavailable',
  '53': 'unavailable',
  // the operator, or the server itself, ended the session
  '57P01': 'unavailable',
  '57P02': 'unavailable',
  '57P03': 'unavailable',
  '57P05': 'unavailable',
  '58': 'unavailable',
  // a standby that is not the primary yet
  '25006': 'unavailable',
  '25P03': 'unavailable',
  '25P04': 'timeout',
  '40001': 'unavailable',
  '40P01': 'unavailable',
  '57014': 'timeout',
  '55P03': 'timeout',
  '28': 'invalid-config',
  '3D000': 'invalid-config',
  // no such table or column: not migrated
  '42P01': 'invalid-config',
  '42703': 'invalid-config',
};

/** A lost connection: codes of Node, and below, messages of pg, which has no codes. */
const LOST = /^(E(CONNREFUSED|CONNRESET|PIPE|HOSTUNREACH|NETUNREACH|TIMEDOUT|NOTFOUND|AI_AGAIN)|ENOENT)$/;
const LOST_BY_PG =
  /^(Connection terminated|Connection ended|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;
const SLOW_BY_PG = /^Query read timeout/;

/** Transactions that PostgreSQL ended for the sake of others. */
const ENDED_FOR_OTHERS: ReadonlySet<string> = new Set(['40001', '40P01']);

/** The message has no values: what PostgreSQL says about them stands in fields that are left out. */
export function databaseError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const { code, message } = factsOf(thrown);
  const kind = code === undefined ? undefined : (CODES[code] ?? CODES[code.slice(0, 2)]);
  if (kind !== undefined) return new AppError(kind, `database: ${message} (${code})`, { cause: thrown });
  if (LOST.test(code ?? '') || LOST_BY_PG.test(message)) {
    return new AppError('unavailable', `database: ${message || code}`, { cause: thrown });
  }
  if (SLOW_BY_PG.test(message)) return new AppError('timeout', `database: ${message}`, { cause: thrown });
  return new AppError('internal', `database: ${message}${code ? ` (${code})` : ''}`, { cause: thrown });
}

export function canRunAgain(error: unknown): boolean {
  if (!(error instanceof AppError)) return false;
  return ENDED_FOR_OTHERS.has(factsOf(error.cause).code ?? '');
}

/** The first of several addresses that were tried. */
function factsOf(thrown: unknown): { code: string | undefined; message: string } {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return factsOf(thrown.errors[0]);
  if (!(thrown instanceof Error)) return { code: undefined, message: String(thrown) };
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  return { code, message: thrown.message };
}
