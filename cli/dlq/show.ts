import { printable } from '../../local/terminal-text.ts';
import { functionNamed } from '../../shared/app/define-app.ts';
import { listLetters, readLetter, readSummary } from '../../shared/dead-letters/letter-store.ts';
import { originalOf } from '../../shared/dead-letters/original.ts';
import type { DeathRecord } from '../../shared/dead-letters/records.ts';
import { bytesText } from '../common/numbers.ts';
import { Failure, parseCommand, UsageError } from '../common/options.ts';
import { adviceOn } from './advice.ts';
import { parseNames, resolveName } from './choose.ts';
import { describeLetter, type ShownLetter } from './describe-letter.ts';
import type { Dlq, DlqSubcommand } from './dlq.ts';
import { liveState } from './live-state.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { isReplayable } from './replay-plan.ts';
import { savePayload } from './save-payload.ts';

export const show: DlqSubcommand = {
  summary: 'shows everything about one dead letter, and what to do next',
  help: `usage: pipeline dlq show <letter> [options]

Shows all that is known about a dead letter: what failed, how often and why, its attempts and replays in order, the
current state of its object or event, its payload, and what to do next. A letter is named by the beginning of its id,
4 digits or more.

  --full             complete stacks and payload
  --payload FILE     save the payload in this new file, byte for byte
${PLACE_HELP}`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      full: { type: 'boolean', default: false },
      payload: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const [name, ...more] = parseNames(positionals);
    if (name === undefined) throw new UsageError('no dead letter named: give the beginning of its id');
    if (more.length > 0)
      throw new UsageError(`exactly one dead letter must be named, got ${more.length + 1}`);
    if (values.payload === '') throw new UsageError('--payload must be the name of a file, got ""');
    return { place: values, run: (dlq) => run(dlq, name, values) };
  },
};

interface Options {
  full: boolean;
  payload?: string | undefined;
  json: boolean;
}

async function run(dlq: Dlq, name: string, { full, payload: file, json }: Options): Promise<number> {
  const { out } = dlq;
  const shown = await load(dlq, name);
  const { letter, summary, state } = shown;
  if (file !== undefined) savePayload(file, shown.payload);
  if (json) {
    await out.json({
      ...summary,
      state,
      advice: shown.advice,
      payload: { bytes: shown.payload.length, base64: shown.payload.toString('base64') },
      replays: letter.replays.map(({ at, ...outcome }) => ({ ...outcome, at: new Date(at).toISOString() })),
      entries: letter.entries.map(({ entry, at }) => ({ ...entry, writtenAt: at.toISOString() })),
      unreadDeaths: letter.unread,
    });
    return 0;
  }
  for (const line of describeLetter(shown, { full })) await out.line(line);
  if (file !== undefined)
    await out.line(`payload    ${bytesText(shown.payload.length)} saved in ${printable(file)}`);
  return 0;
}

async function load(dlq: Dlq, name: string): Promise<ShownLetter> {
  const { state: store, signal } = dlq;
  const id = name.length === 32 ? name : await only(dlq, name);
  const [summary, letter] = await Promise.all([
    readSummary(store, id, { signal }),
    readLetter(store, id, { signal }),
  ]);
  const deaths = letter?.entries.flatMap(({ entry }) => (entry.kind === 'death' ? [entry] : [])) ?? [];
  const death = deaths.at(-1);
  if (!summary || !letter || !death) throw new Failure(`dead letter ${id} does not exist`);
  const state = await liveState(dlq, death);
  const { status } = summary;
  const app = await dlq.app();
  const refusals: Readonly<Record<string, string>> = functionNamed(app, death.function)?.refusals ?? {};
  const ownRemedy = Object.hasOwn(refusals, death.code) ? refusals[death.code] : undefined;
  const advice = adviceOn(
    { ...summary, status, state, ownRemedy, isReplayable: isReplayable(death, app) },
    dlq.place.command,
  );
  return { summary, letter, death, state, advice, payload: payloadOf(death) };
}

async function only({ state, signal, place: { command } }: Dlq, name: string): Promise<string> {
  const meant = resolveName(await listLetters(state, { signal }), name, command);
  if (meant.kind === 'letter') return meant.letter.letter;
  const [first, ...rest] = meant.letters;
  if (first !== undefined && rest.length === 0) return first.letter;
  throw new Failure(
    `${name} is a group of ${meant.letters.length} dead letters: name one of those that "${command(`list ${name}`)}" shows`,
  );
}

/** The input of the function: the message's data, or the event as JSON. */
function payloadOf({ letterMessage }: DeathRecord): Buffer {
  try {
    const original = originalOf(letterMessage);
    return original.kind === 'message' ? original.data : Buffer.from(original.text);
  } catch {
    // not the envelope that it claims to be: show the raw data
    return Buffer.from(letterMessage.data, 'base64');
  }
}
