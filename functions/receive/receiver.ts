import type { HttpRequest } from '../../shared/app/define-function.ts';
import { toAppError } from '../../shared/core/errors.ts';
import type { Logger } from '../../shared/core/log.ts';
import { deadLetterMessage } from '../../shared/dead-letters/dead-letter-message.ts';
import { LENIENT } from '../../shared/events/incoming-message.ts';
import { identityOf } from '../../shared/events/message-part.ts';
import { RECEIVED_FROM } from '../../shared/events/received-from.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { pathOf, type Received, receivedOf } from '../../shared/invocation/request.ts';
import { EVENTS_READER } from '../events-reader.ts';
import {
  type Answer,
  accepted,
  failed,
  NOT_ALLOWED,
  NOT_FOUND,
  permission,
  tooLarge,
  unauthorized,
} from './answers.ts';
import { authenticate, type Verdict } from './authenticate.ts';
import type { Member } from './members.ts';
import type { ReceiveLog } from './receive-log.ts';
import type { SourceKeys } from './source-keys.ts';
import { type Source, sourceOf } from './sources.ts';
import { translate } from './translate.ts';

export interface ReceiverTools {
  keys: Pick<SourceKeys, 'of' | 'again'>;
  /** Resolve when Pub/Sub has confirmed the messages. */
  publishEvents(messages: readonly OutgoingMessage[]): Promise<void>;
  publishLetters(messages: readonly OutgoingMessage[]): Promise<void>;
  receiveLog: ReceiveLog;
  log: Logger;
  maxBytes: number;
  toleranceMs: number;
  now(): number;
}

/** Receives one request: authenticates it, publishes its events, and only then accepts it. */
export async function receive(request: HttpRequest, tools: ReceiverTools): Promise<Answer> {
  const startedAt = tools.now();
  const source = sourceOf(pathOf(request));
  let known: string | undefined;
  try {
    const keys = source ? await keysOf(source, tools) : [];
    if (source === undefined || keys.length === 0) return refuse(NOT_FOUND);
    known = source.id;
    if (request.method !== 'POST' && request.method !== 'OPTIONS') return refuse(NOT_ALLOWED);
    const received = receivedOf(request);
    const { length } = received.body;
    if (length > tools.maxBytes) return refuse(tooLarge(length, tools.maxBytes));
    const verdict = await judge(source, received, keys, tools);
    if (verdict !== 'valid') return refuse(unauthorized(verdict));
    if (request.method === 'OPTIONS') return permission(received.header('webhook-request-origin'));
    return await accept(source, received, tools, startedAt);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.retryable) tools.log.error('request failed', error, { source: known, code: error.code });
    return refuse(failed(error));
  }

  function refuse(answer: Answer): Answer {
    tools.receiveLog.refused(known, answer);
    return answer;
  }
}

/** A source may have been added a moment ago. */
async function keysOf({ id }: Source, { keys }: ReceiverTools): Promise<readonly string[]> {
  const known = await keys.of(id);
  return known.length > 0 ? known : ((await keys.again(id)) ?? []);
}

/** A signature that no key explains may be one of a new key. */
async function judge(
  { kind, id }: Source,
  received: Received,
  keys: readonly string[],
  tools: ReceiverTools,
): Promise<Verdict> {
  const clock = { now: tools.now(), toleranceMs: tools.toleranceMs };
  // a handshake has no body to sign
  const verdict = authenticate(kind, received, keys, clock);
  if (verdict !== 'forged') return verdict;
  const newest = await tools.keys.again(id);
  return newest === undefined ? verdict : authenticate(kind, received, newest, clock);
}

async function accept(
  source: Source,
  received: Received,
  tools: ReceiverTools,
  startedAt: number,
): Promise<Answer> {
  const content = translate(source, received);
  if (content.kind === 'validation') return accepted({ validationResponse: content.code });
  const messages: OutgoingMessage[] = [];
  const letters: OutgoingMessage[] = [];
  for (const member of content.members) {
    if (member.kind === 'event') messages.push(member.message);
    else letters.push(letterOf(source, member, tools.now()));
  }
  await tools.publishEvents(messages);
  await tools.publishLetters(letters);
  const counts = { events: messages.length, deadLetters: letters.length };
  const facts = { bytes: received.body.length, durationMs: tools.now() - startedAt };
  tools.receiveLog.accepted(source.id, { ...counts, ...facts });
  return accepted(counts);
}

/**
 * A bad member of a batch, as a message that its sender could have published: a dead letter of the function that would
 * have read it, and that can take it back. No subscription could replay a request.
 */
function letterOf(
  { id }: Source,
  { error, text, contentType }: Extract<Member, { kind: 'refused' }>,
  now: number,
): OutgoingMessage {
  const attributes = { 'content-type': contentType, [RECEIVED_FROM]: id };
  const input = { message: { data: Buffer.from(text).toString('base64'), attributes } };
  const eventId = identityOf(input, LENIENT);
  return deadLetterMessage({ function: EVENTS_READER, eventId, error, input, at: new Date(now) });
}
