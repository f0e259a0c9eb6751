import { isJsonObject } from '../core/json-value.ts';

/** Attributes of a replayed message: its letter, and the command that replayed it. */
export const REPLAY_LETTER = 'deadLetterReplayOf';
export const REPLAY_KEY = 'deadLetterReplay';

export interface ReplayMark {
  /** 32 hex digits. */
  letter: string;
  key: string;
}

/** The mark of a replayed message inside a function's input; undefined for any other event. Cheap. */
export function replayMarkOf(input: unknown): ReplayMark | undefined {
  if (!isJsonObject(input)) return undefined;
  const envelope = input['message'] === undefined ? input['data'] : input;
  if (!isJsonObject(envelope)) return undefined;
  const { message } = envelope;
  if (!isJsonObject(message) || !isJsonObject(message['attributes'])) return undefined;
  return readReplayMark(message['attributes']);
}

/** Reads the mark from untrusted attributes. */
export function readReplayMark(attributes: Readonly<Record<string, unknown>>): ReplayMark | undefined {
  const [letter, key] = [attributes[REPLAY_LETTER], attributes[REPLAY_KEY]];
  if (typeof letter !== 'string' || !/^[0-9a-f]{32}$/.test(letter)) return undefined;
  if (typeof key !== 'string' || !/^[0-9a-z-]{1,64}$/.test(key)) return undefined;
  return { letter, key };
}
