import { randomBytes, timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Failure, UsageError } from '../cli/common/options.ts';
import { createLocalServer, type Exchange } from '../local/http/server.ts';
import { AppError } from '../shared/core/errors.ts';
import { PAGE_POLICY, Problem, SAFE_HEADERS, sendJson, sendText } from './answers.ts';
import { type Commands, type ConsoleOptions, openCommands } from './commands.ts';
import { Feed } from './feed.ts';
import { buildPage, type PageFile } from './page-files.ts';
import { ROUTES } from './routes.ts';

export interface Console {
  /** The address with its token: whoever has it may use the console. */
  url: string;
  close(): Promise<void>;
}

const REFUSAL = `This is a console of the pipeline, and the address lacks its token.
Open the whole address that "npm start" or "npx pipeline console" printed; it changes with every start.
`;

/**
 * Serves the console on loopback. Web pages of other origins and foreign Host names are refused, as by every server of
 * the local cloud; everything else needs the token, which is the first part of the path.
 * @param port default: a free one
 * @param feed what open pages are told
 */
export async function startConsole(
  options: ConsoleOptions,
  env: NodeJS.ProcessEnv,
  { port, feed = new Feed() }: { port?: number | undefined; feed?: Feed } = {},
): Promise<Console> {
  const commands = openCommands(options, env);
  // says at once if there is no such service or app
  const { app, place } = commands.dlq(new AbortController().signal);
  await app();
  const token = randomBytes(16).toString('hex');
  let page: Promise<ReadonlyMap<string, PageFile>> | undefined;
  const server = createLocalServer({
    async handle(exchange) {
      // every request to storage listens to it
      setMaxListeners(0, exchange.signal);
      const path = pathBelow(token, exchange.path);
      if (path === undefined) return sendText(exchange.response, 404, REFUSAL);
      if (path === 'api/feed' && exchange.method === 'GET') return feed.stream(exchange, place);
      if (path.startsWith('api/')) return answerApi(path.slice('api/'.length), commands, exchange);
      if (exchange.method !== 'GET') throw new Problem(405, `the page has no method ${exchange.method}`);
      page ??= buildPage();
      const file = (await page).get(path);
      if (!file) throw new Problem(404, `the console has no page ${path}`);
      sendFile(exchange, file);
    },
    async answerError(error, { response, signal }) {
      const { status, message } = await explain(error, commands, signal);
      sendJson(response, { problem: message }, status);
    },
  });
  const listening = await server.listen({ port });
  return { url: `http://127.0.0.1:${listening}/${token}/`, close: () => server.close() };
}

/** The path after the token; undefined if that is wrong. */
function pathBelow(token: string, path: string): string | undefined {
  const [, given = '', rest = ''] = /^\/([^/]*)\/(.*)$/s.exec(path) ?? [];
  const [wanted, got] = [Buffer.from(token), Buffer.from(given)];
  return wanted.length === got.length && timingSafeEqual(wanted, got) ? rest : undefined;
}

async function answerApi(name: string, commands: Commands, exchange: Exchange): Promise<void> {
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined;
  if (!route) throw new Problem(404, `the console has no api/${name}`);
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
  if (method !== route.method) {
    throw new Problem(405, `api/${name} must be called with ${route.method}, got ${exchange.method}`);
  }
  const answer = await route.answer({ commands, exchange });
  if (answer !== undefined) sendJson(exchange.response, answer);
}

function sendFile({ request, response }: Exchange, { type, body, gzip }: PageFile): void {
  const isGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const bytes = isGzip ? gzip : body;
  response.writeHead(200, {
    ...SAFE_HEADERS,
    'content-security-policy': PAGE_POLICY,
    'content-type': type,
    'content-length': bytes.length,
    vary: 'accept-encoding',
    ...(isGzip && { 'content-encoding': 'gzip' }),
  });
  response.end(bytes);
}

/** What went wrong and what to do, as the command line says it. */
async function explain(
  error: unknown,
  commands: Commands,
  signal: AbortSignal,
): Promise<{ status: number; message: string }> {
  if (error instanceof Problem) return { status: error.status, message: error.message };
  if (error instanceof UsageError) return { status: 400, message: error.message };
  if (error instanceof Failure) return { status: 409, message: error.message };
  const message = await commands.explain(error, signal).catch(() => String(error));
  return { status: error instanceof AppError ? 502 : 500, message };
}
