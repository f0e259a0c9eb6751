import type { CloudEvents } from '../local/cloud.ts';
import type { Exchange } from '../local/http/server.ts';
import { jsonRecord } from '../local/json-record.ts';
import { PAGE_POLICY, SAFE_HEADERS } from './answers.ts';
import type { FeedEvent } from './api-types.ts';

/** Interval of the events that make open pages look again, in ms: each look at a deployed project is paid for. */
const TICK_MS = { local: 2_000, cloud: 60_000 } as const;
/** A reader that falls this far behind is disconnected; it connects again by itself. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Events of the local cloud, passed on to every open page. */
export class Feed {
  readonly #listeners = new Set<(event: FeedEvent) => void>();

  send(event: FeedEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Answers with events until the page is closed (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
  async stream({ response, signal }: Exchange, { isLocal }: { isLocal: boolean }): Promise<void> {
    response.writeHead(200, {
      ...SAFE_HEADERS,
      'content-security-policy': PAGE_POLICY,
      'content-type': 'text/event-stream',
    });
    const send = (event: FeedEvent): void => {
      if (response.writableLength > MAX_WAITING_BYTES) return void response.destroy();
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    };
    send({ kind: 'tick' });
    const timer = setInterval(() => send({ kind: 'tick' }), TICK_MS[isLocal ? 'local' : 'cloud']);
    this.#listeners.add(send);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    clearInterval(timer);
    this.#listeners.delete(send);
    response.end();
  }

  /** To be passed to the local cloud. */
  readonly events: CloudEvents = {
    onFinalized: ({ bucket, name }) => this.send({ kind: 'object', bucket, name }),
    onAttempt: (name, { result }) =>
      this.send({
        kind: 'attempt',
        function: name,
        isGood: typeof result === 'number' && result >= 200 && result < 300,
      }),
    onDeadLetter: () => this.send({ kind: 'letter' }),
    onFunctionLine: (_name, line) => {
      const { message, object, detail, reason, outcome } = jsonRecord(line);
      if (outcome === 'dead-letter') this.send({ kind: 'letter' });
      if (typeof object !== 'string') return;
      if (message === 'step done') this.send({ kind: 'stage', name: object, text: String(detail) });
      if (message === 'attempt failed')
        this.send({ kind: 'stage', name: object, text: `attempt failed: ${String(reason)}` });
    },
  };
}

/** Calls both observers, in this order. */
export function bothEvents(first: CloudEvents, second: CloudEvents): CloudEvents {
  return {
    ...second,
    ...first,
    onFinalized: (resource) => {
      first.onFinalized?.(resource);
      second.onFinalized?.(resource);
    },
    onAttempt: (name, attempt) => {
      first.onAttempt?.(name, attempt);
      second.onAttempt?.(name, attempt);
    },
    onDeadLetter: (letter) => {
      first.onDeadLetter?.(letter);
      second.onDeadLetter?.(letter);
    },
    onFunctionLine: (name, line) => {
      first.onFunctionLine?.(name, line);
      second.onFunctionLine?.(name, line);
    },
  };
}
