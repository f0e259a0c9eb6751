import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { HttpRequest } from '../../shared/app/define-function.ts';
import { sendAnswer } from '../../shared/invocation/problem.ts';
import { connect } from '../../shared/invocation/services.ts';
import { PublishQueue } from './publish-queue.ts';
import { ReceiveLog } from './receive-log.ts';
import { type ReceiverTools, receive } from './receiver.ts';
import { parseReceiveConfig } from './settings.ts';
import { SourceKeys } from './source-keys.ts';

/** EventBridge waits 5 s for an answer, less than any other vendor. */
const ANSWER_MS = 4_500;

let tools: ReceiverTools | undefined;

/** Answers every request, a failed one with a problem document. */
export async function serve(request: HttpRequest, response: ServerResponse): Promise<void> {
  tools ??= open(process.env);
  sendAnswer(response, await receive(request, tools));
}

function open(env: NodeJS.ProcessEnv): ReceiverTools {
  const config = parseReceiveConfig(env);
  const services = connect(config);
  const log = services.log.with({ function: 'receiveEvent' });
  const now = Date.now;
  const queueOf = (topic: string): PublishQueue =>
    new PublishQueue({ topic, publisher: services.publisher, timeoutMs: ANSWER_MS, now });
  const [events, letters] = [queueOf(config.eventsTopic), queueOf(config.lettersTopic)];
  return {
    keys: new SourceKeys({ read: () => readFile(config.sourcesFile, 'utf8'), log, now }),
    publishEvents: (messages) => events.publish(messages),
    publishLetters: (messages) => letters.publish(messages),
    receiveLog: new ReceiveLog(log),
    log,
    maxBytes: config.maxBytes,
    toleranceMs: config.toleranceMs,
    now,
  };
}
