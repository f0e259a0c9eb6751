import { printable } from '../../local/terminal-text.ts';
import type { Letter } from '../../shared/dead-letters/letter-store.ts';
import type {
  Attempt,
  DeathRecord,
  LetterEntry,
  LetterSummary,
  SubjectState,
} from '../../shared/dead-letters/records.ts';
import { bytesText, counted } from '../common/numbers.ts';
import { statusText } from './groups.ts';
import { viewPayload } from './payload.ts';

export interface ShownLetter {
  summary: LetterSummary;
  letter: Letter;
  /** The last death. */
  death: DeathRecord;
  state: SubjectState;
  advice: string;
  payload: Buffer;
}

const STACK_LINES = 3;
const SHOWN_ATTRIBUTES = 30;

/** Lines that are safe for a terminal: control characters of the letter are escaped. */
export function describeLetter(shown: ShownLetter, { full }: { full: boolean }): string[] {
  const { summary, letter, death, state } = shown;
  const fields: [string, string | undefined][] = [
    ['letter', summary.letter],
    ['status', statusText(summary.status)],
    ['next', shown.advice],
    ['function', summary.function],
    ['why', `${death.code}: ${death.message}`],
    ['died', diedText(death)],
    [
      'brief',
      death.brief &&
        'recorded during a storm of dead letters, without its history or the state of its object',
    ],
    ['group', `${death.group}: ${death.pattern}`],
    ['about', aboutText(death)],
    ['now', STATES[death.concern?.kind ?? 'event'][state]],
    ['event', death.eventId],
    ['correlation', death.correlationId],
  ];
  return [
    ...fields.flatMap(([label, text]) => (text ? [field(label, text)] : [])),
    '',
    ...timeline(letter, full),
    '',
    ...describeAttributes(death, full),
    ...describePayload(shown, full),
  ];
}

function field(label: string, text: string): string {
  return `${label.padEnd(11)} ${printable(text)}`;
}

const WAYS = {
  refused: 'refused at once',
  'given-up': 'given up',
  unknown: 'unknown whether refused or given up',
};

function diedText({
  way,
  deliveries,
  attemptCount,
  subscription,
  firstFailureAt,
  lastFailureAt,
}: DeathRecord) {
  const times = deliveries ?? (attemptCount || undefined);
  const after =
    way === 'given-up' && times !== undefined ? ` after ${counted(times, 'delivery', 'deliveries')}` : '';
  const from = subscription === undefined ? '' : ` by subscription ${subscription}`;
  const span =
    firstFailureAt === undefined
      ? ''
      : firstFailureAt === lastFailureAt
        ? `; failed ${firstFailureAt}`
        : `; failed from ${firstFailureAt} to ${lastFailureAt}`;
  return `${WAYS[way]}${after}${from}${span}`;
}

function aboutText({ concern }: DeathRecord): string | undefined {
  if (concern === undefined) return undefined;
  if (concern.kind === 'object')
    return `gs://${concern.bucket}/${concern.name}, generation ${concern.generation}`;
  const { type, id, source } = concern;
  const parts = [type && `event of type ${type}`, id && `id ${id}`, source && `source ${source}`];
  return parts.filter(Boolean).join(', ') || undefined;
}

/** Descriptions of the subject's state. */
export const STATES: Readonly<Record<'object' | 'event', Readonly<Record<SubjectState, string>>>> = {
  object: {
    exists: 'the object exists, with the same generation',
    newer: 'the object was replaced by a newer one',
    gone: 'the object is gone',
    succeeded: 'the object has its manifest: it has been processed since',
    unknown: 'the state of the object could not be determined',
  },
  event: {
    exists: 'the event is not in the table',
    newer: 'there is a newer event',
    gone: 'the event is gone',
    succeeded: 'the event is in the table: it has been ingested since',
    unknown: '',
  },
};

/** The letter's history in order: one line per entry, more for deaths. */
function timeline({ entries, replays, unread }: Letter, full: boolean): string[] {
  const outcomes = new Map(replays.map(({ key, status }) => [key, status]));
  const lines = unread > 0 ? [`  … ${counted(unread, 'earlier death')}`] : [];
  for (const { entry, at } of entries) {
    // implied by the entry that followed
    if (entry.kind === 'sending' && outcomes.has(entry.key)) continue;
    if (entry.kind === 'death') lines.push(...attemptLines(entry, full));
    const time = entry.kind === 'death' ? entry.diedAt : at.toISOString();
    lines.push(`  ${printable(`${time}  ${entryText(entry, outcomes)}`)}`);
  }
  return ['what happened', ...lines];
}

function entryText(entry: LetterEntry, outcomes: ReadonlyMap<string, string>): string {
  switch (entry.kind) {
    case 'death': {
      const again = entry.replay === undefined ? '' : ` in replay ${entry.replay}`;
      return `died${again}: ${entry.code}: ${entry.message}`;
    }
    case 'replay': {
      const status = outcomes.get(entry.key);
      const outcome =
        status === undefined || status === 'replayed' ? 'no outcome yet' : status.replace('-', ' ');
      return `replay ${entry.key} published to ${entry.topic} as message ${entry.messageId}: ${outcome}`;
    }
    case 'sending':
      return `replay ${entry.key} to ${entry.topic}: publish not confirmed`;
    case 'resolved':
      return outcomes.has(entry.key)
        ? `replay ${entry.key} settled by ${entry.by}`
        : `found settled by ${entry.by}`;
    case 'discard':
      return `discarded by ${entry.by}: ${entry.reason}`;
  }
}

function attemptLines({ attempts, attemptCount }: DeathRecord, full: boolean): string[] {
  const lines: string[] = [];
  let before: Attempt | undefined;
  for (const attempt of attempts) {
    lines.push(...notKept(attempt.attempt - (before?.attempt ?? 0) - 1));
    lines.push(...attemptText(attempt, before, full));
    before = attempt;
  }
  if (before) lines.push(...notKept(attemptCount - before.attempt));
  return lines;
}

function notKept(attempts: number): string[] {
  return attempts > 0 ? [`    … ${counted(attempts, 'attempt')} not kept`] : [];
}

/** Describes an attempt; what has not changed since the one before is not repeated. */
function attemptText(attempt: Attempt, before: Attempt | undefined, full: boolean): string[] {
  const { code, message, stack, trace } = attempt;
  const isSame = before?.code === code && before.message === message;
  const why = isSame ? 'same error' : `${code}: ${message}`;
  // the stack repeats the message first
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const shown = full ? stack.split('\n') : isSame ? [] : frames.slice(0, STACK_LINES);
  return [
    `  ${printable(`${attempt.at}  attempt ${attempt.attempt} failed: ${why}`)}`,
    ...(trace === undefined || trace === before?.trace ? [] : [`      trace ${printable(trace)}`]),
    ...shown.map((line) => `      ${printable(line.trim())}`).filter((line) => line.trim() !== ''),
  ];
}

function describeAttributes({ letterMessage }: DeathRecord, full: boolean): string[] {
  const entries = Object.entries(letterMessage.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return [];
  const shown = full ? entries : entries.slice(0, SHOWN_ATTRIBUTES);
  const lines = shown.map(([name, value]) => {
    const text = full || value.length <= 200 ? value : `${value.slice(0, 200)}…`;
    return `  ${printable(name)}: ${printable(text)}`;
  });
  const more = entries.length - shown.length;
  return ['attributes', ...lines, ...(more > 0 ? [`  … ${more} more (--full shows all)`] : []), ''];
}

function describePayload({ payload, death }: ShownLetter, full: boolean): string[] {
  const { kind, lines } = viewPayload(payload, { full });
  const form = death.letterMessage.form === 'message' ? '' : ', the event as the function received it';
  if (kind === 'nothing') return ['payload: none'];
  return [`payload: ${bytesText(payload.length)} of ${kind}${form}`, ...lines.map((line) => `  ${line}`)];
}
