import { type ErrorCode, isAppCode } from '../../shared/core/errors.ts';
import type { Disposition, LetterStatus, SubjectState } from '../../shared/dead-letters/records.ts';
import { type CommandText, plainCommand } from './place.ts';

const REPUBLISH = 'have the producer mend the event and publish it anew, then discard this one';
const REPUBLISH_ONLY = `a replay ends the same: ${REPUBLISH}`;
const NEW_UPLOAD = 'a replay ends the same: upload a file that can be read, then discard this one';

/** Codes whose events fail the same way however often they are tried. */
const HOPELESS: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid-event',
  'not-json',
  'invalid-metadata',
  'unsupported-media',
  'empty-object',
  'corrupt-media',
  'object-gone',
  'superseded',
]);

/** Remediation by the code of the last failure. */
const BY_CODE: Readonly<Record<ErrorCode | 'unknown', string>> = {
  'invalid-event': REPUBLISH_ONLY,
  'not-json': REPUBLISH_ONLY,
  'too-deep': `raise MAX_EVENT_DEPTH and replay; else ${REPUBLISH}`,
  'schema-violation': `deploy a schema that allows it and replay; else ${REPUBLISH}`,
  'unknown-type': 'add a schema for its type, or set UNKNOWN_TYPES=accept; deploy, then replay',
  'invalid-metadata': 'a replay ends the same: upload the file anew with metadata as the message wants it',
  'unsupported-media': NEW_UPLOAD,
  'empty-object': NEW_UPLOAD,
  'corrupt-media': NEW_UPLOAD,
  'too-large': 'raise the limit that the message names, deploy, then replay; or discard it',
  'too-long': 'raise MAX_SECONDS, deploy, then replay; or discard it',
  'too-costly':
    'give the function the memory that the message names, or upload a smaller version; then replay',
  'too-short': 'lower MIN_SECONDS, deploy, then replay; or discard it',
  'object-gone': 'its object was deleted before it was read: upload it again, then discard this one',
  superseded: 'a newer upload has the name, and an event of its own: discard this one',
  blocked: 'Gemini withholds an answer: change the question (MOMENT_PROMPT) and replay, or discard it',
  'outside-prefix': 'it is no upload for this pipeline: discard it, or change NAME_PREFIX and replay',
  loop: 'functions answer one another in the chain that the message shows: break it, deploy, then discard this',
  'too-many-events':
    'raise MAX_EVENTS_PER_CORRELATION, deploy, then replay; or correct its publisher and discard',
  'effect-unknown':
    'ask the provider whether it happened: if so, replay with --effect-done, if not, with --effect-again',
  unavailable: 'a service was away: once it answers again, replay',
  quota: 'a quota was used up: raise it or wait, then replay with a low --rate',
  timeout: 'it took too long: look at what was slow, raise the time if need be, then replay',
  busy: 'another delivery held its lease: replay',
  denied: 'grant the role that the message names, then replay',
  'not-found-yet': 'Gemini could not read the object: grant its service agent access to it, then replay',
  'malformed-answer':
    'Gemini answered nonsense again and again: replay; if it goes on, try another GEMINI_MODEL',
  'over-budget': 'the bound for a day was reached: wait for the next day or raise it, then replay',
  'invalid-config': 'mend the setting that the message names, deploy, then replay',
  internal: 'a fault nobody planned for: mend what the stack shows, deploy, then replay',
  unknown: 'nothing says why: look at the logs of the function at that time, then replay once',
};

/** For a refusal of an app's own whose function does not say what to do. */
const OWN_REFUSAL = 'mend what the message names, then replay; or discard it';

export interface AdviceOn {
  letter: string;
  status: LetterStatus;
  code: string;
  way: Disposition;
  /** Current state of the letter's subject. */
  state: SubjectState;
  /** What its function says about a refusal of its own, if the code is one. */
  ownRemedy?: string | undefined;
  /** False if it cannot be replayed to any function. */
  isReplayable: boolean;
}

/** The next step: a sentence with the reason, and the command if there is one. */
export function adviceOn(letter: AdviceOn, command: CommandText = plainCommand): string {
  const { status, code, state, ownRemedy, isReplayable } = letter;
  const name = letter.letter.slice(0, 12);
  const discard = command(`discard ${name} --reason …`);
  const replay = command(`replay ${name}`);
  const again = command(`replay ${name} --again`);
  switch (status) {
    case 'resolved':
      return 'nothing: it is settled';
    case 'discarded':
      return `nothing: it was discarded (${again} puts it back all the same)`;
  }
  // checked before `replayed`: a replay published without its mark never gets an outcome
  if (state === 'succeeded') return `nothing is missing, its event has been settled since: ${discard}`;
  if (status === 'replayed') return `wait for the outcome of its replay; if none comes, ${again}`;
  if (state === 'gone')
    return `its object is gone, so it cannot be replayed: upload it again, then ${discard}`;
  if (state === 'newer') return `its object was replaced, and the newer one has its own event: ${discard}`;
  if (!isReplayable) return `no function can be given it back: look at the payload, then ${discard}`;
  const known = Object.hasOwn(BY_CODE, code) ? (code as ErrorCode) : 'unknown';
  const before = status === 'failed-again' ? 'its replay failed too; ' : '';
  const commands =
    known === 'effect-unknown'
      ? `${command(`replay ${name} --effect-done`)}, or ${command(`replay ${name} --effect-again`)}`
      : HOPELESS.has(known)
        ? discard
        : `${replay}, or ${discard}`;
  const remedy = isAppCode(code) ? (ownRemedy ?? OWN_REFUSAL) : BY_CODE[known];
  return `${before}${remedy} (${commands})`;
}
