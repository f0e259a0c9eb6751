import { type ErrorCode, isAppCode } from '../../shared/core/errors.ts';
import type { Disposition, LetterStatus, SubjectState } from '../../shared/dead-letters/records.ts';
import { type CommandText, plainCommand } from './place.ts';

const REPUBLISH = 'have the producer fix the event and publish it again, then discard this one';
const REPUBLISH_ONLY = `a replay would fail the same way: ${REPUBLISH}`;
const NEW_UPLOAD = 'a replay would fail the same way: upload a file that can be read, then discard this one';

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
  'too-deep': `raise MAX_EVENT_DEPTH, deploy, then replay; otherwise ${REPUBLISH}`,
  'schema-violation': `deploy a schema that allows it, then replay; otherwise ${REPUBLISH}`,
  'unknown-type': 'add a schema for its type, or set UNKNOWN_TYPES=accept; deploy, then replay',
  'invalid-metadata':
    'a replay would fail the same way: upload the file again with the metadata that the message asks for',
  'unsupported-media': NEW_UPLOAD,
  'empty-object': NEW_UPLOAD,
  'corrupt-media': NEW_UPLOAD,
  'too-large': 'raise the limit that the message names, deploy, then replay; or discard it',
  'too-long': 'raise MAX_SECONDS, deploy, then replay; or discard it',
  'too-costly':
    'give the function the memory that the message names, or upload a smaller version; then replay',
  'too-short': 'lower MIN_SECONDS, deploy, then replay; or discard it',
  'object-gone': 'its object was deleted before it was read: upload it again, then discard this one',
  superseded: 'a newer upload replaced it and has its own event: discard this one',
  blocked: 'Gemini refuses to answer: change the question (MOMENT_PROMPT) and replay, or discard it',
  'outside-prefix':
    'the object is not an upload for this pipeline: discard it, or change NAME_PREFIX and replay',
  loop: 'functions trigger each other in the chain that the message shows: break the loop, deploy, then discard this one',
  'too-many-events':
    'raise MAX_EVENTS_PER_CORRELATION, deploy, then replay; or fix its publisher and discard it',
  'effect-unknown':
    'ask the provider whether the effect happened: if so, replay with --effect-done; if not, with --effect-again',
  unavailable: 'a service was unavailable: replay once it responds again',
  quota: 'a quota was exhausted: raise it or wait, then replay with a low --rate',
  timeout: 'it timed out: find out what was slow, raise the timeout if necessary, then replay',
  busy: 'another delivery held its lease: replay',
  denied: 'grant the role that the message names, then replay',
  'not-found-yet': 'Gemini could not read the object: grant its service agent access to it, then replay',
  'malformed-answer':
    'Gemini kept returning malformed answers: replay; if that fails too, try another GEMINI_MODEL',
  'over-budget': 'the daily limit was reached: wait for the next day or raise it, then replay',
  'invalid-config': 'fix the setting that the message names, deploy, then replay',
  internal: 'unexpected error: fix what the stack trace shows, deploy, then replay',
  unknown: 'no cause was recorded: check the logs of the function at that time, then replay once',
};

/** For a refusal of an app's own whose function does not say what to do. */
const OWN_REFUSAL = 'fix what the message names, then replay; or discard it';

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
      return 'nothing to do: it is settled';
    case 'discarded':
      return `nothing to do: it was discarded (${again} replays it anyway)`;
  }
  // checked before `replayed`: a replay published without its mark never gets an outcome
  if (state === 'succeeded') return `its event has been processed since, so nothing is missing: ${discard}`;
  if (status === 'replayed') return `wait for the outcome of its replay; if none comes, ${again}`;
  if (state === 'gone')
    return `its object is gone, so it cannot be replayed: upload it again, then ${discard}`;
  if (state === 'newer') return `its object was replaced, and the newer one has its own event: ${discard}`;
  if (!isReplayable) return `no function can take it back: inspect the payload, then ${discard}`;
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
