import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '../http/server.ts';
import { placeFault } from '../make-folder.ts';
import type { adminRoute } from './admin.ts';
import type { Answer, Call, Stores } from './answer.ts';
import { parseBatch } from './batch.ts';
import { GcsError, sendError } from './errors.ts';
import { type FaultAction, type Faults, parseAction } from './faults.ts';
import { type Route, route } from './router.ts';
import { bodyOf, release, send } from './send.ts';
import { type Latency, latencyOf, type StatsKeeper } from './stats.ts';

export interface HandlerParts {
  stores: Stores;
  stats: StatsKeeper;
  faults: Faults;
  admin: ReturnType<typeof adminRoute>;
  latency: () => Latency;
  /** Returns early when the server closes. */
  wait: (ms: number) => Promise<void>;
  /** Called with errors that are not the client's fault. */
  onTrouble?: ((error: unknown) => void) | undefined;
}

/** Answers HTTP requests: the API, a batch of its requests, or an admin request to the server itself. */
export function createHandler({ stores, stats, faults, admin, latency, wait, onTrouble }: HandlerParts) {
  /** Runs one call; throws the API's errors as `GcsError`. */
  const run = async (
    found: Route,
    call: Call,
    fault: FaultAction | undefined,
  ): Promise<Answer | 'dropped'> => {
    if (fault?.kind === 'delay') await wait(fault.ms);
    if (fault?.kind === 'drop') return 'dropped';
    if (fault?.kind === 'status') throw injected(fault.status);
    const answer = await found.run(stores, call);
    if (fault?.kind !== 'applied-status' && fault?.kind !== 'applied-drop') return answer;
    release(answer);
    if (fault.kind === 'applied-drop') return 'dropped';
    throw injected(fault.status);
  };

  const answerBatch = async (call: Call): Promise<Answer> => {
    const batch = await parseBatch(call);
    for (const part of batch.calls) {
      try {
        const found = route(part.call.method, part.path, part.call.query);
        stats.count(found.operation);
        const answer = await found.run(stores, part.call);
        part.done(answer.status, await bodyOf(answer));
      } catch (error) {
        if (!(error instanceof GcsError)) throw error;
        part.done(error.status, error.body());
      }
    }
    return batch.answer();
  };

  const answerApi = async (request: IncomingMessage, response: ServerResponse, path: string, call: Call) => {
    const found = route(call.method, path, call.query);
    const counts = stats.count(found.operation);
    call.body = counted(call.body, (count) => {
      counts.bytesIn += count;
    });
    const fault = headerFault(request) ?? faults.take(found)?.action;
    try {
      const answer = await run(found, call, fault);
      if (answer === 'dropped') {
        stats.answered(0);
        response.destroy();
        return;
      }
      await wait(latencyOf(latency(), found.operation, answer.status));
      stats.answered(answer.status);
      const onBytes = (count: number): void => {
        counts.bytesOut += count;
      };
      await send(response, answer, { headOnly: call.method === 'HEAD', fault, onBytes });
    } catch (error) {
      if (error instanceof GcsError) {
        await wait(latencyOf(latency(), found.operation, error.status));
        stats.answered(error.status);
      }
      throw error;
    }
  };

  return {
    async handle({ request, response, method, path, query, body }: Exchange): Promise<void> {
      const { headers } = request;
      const { localAddress, localPort } = request.socket;
      const base = `http://${headers.host ?? `${localAddress}:${localPort}`}`;
      const call: Call = { method, query, headers, body, base };
      const plain = { headOnly: method === 'HEAD', fault: undefined, onBytes: () => undefined };
      const answerAdmin = admin(method, path);
      if (answerAdmin) await send(response, await answerAdmin(call), plain);
      else if (path.startsWith('/batch')) await send(response, await answerBatch(call), plain);
      else await answerApi(request, response, path, call);
    },

    answerError(error: unknown, { response, query }: Exchange): void {
      if (placeFault(error) !== undefined) onTrouble?.(error);
      const failure = error instanceof GcsError ? error : new GcsError(500, 'backendError', String(error));
      sendError(response, failure, query.get('alt') === 'media');
    },
  };
}

function injected(status: number): GcsError {
  const reason = status === 412 ? 'conditionNotMet' : status === 429 ? 'rateLimitExceeded' : 'backendError';
  return new GcsError(status, reason, `requested fault: ${status}`);
}

function headerFault(request: IncomingMessage): FaultAction | undefined {
  const text = request.headers['x-local-fault'];
  return typeof text === 'string' ? parseAction(JSON.parse(text)) : undefined;
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}
