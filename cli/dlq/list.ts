import { printable } from '../../local/terminal-text.ts';
import { listLetters } from '../../shared/dead-letters/letter-store.ts';
import type { LetterSummary } from '../../shared/dead-letters/records.ts';
import { tableLines } from '../common/columns.ts';
import { count, counted } from '../common/numbers.ts';
import { parseCommand, UsageError, wholeNumber } from '../common/options.ts';
import { choose, NAME_HELP, parseNames } from './choose.ts';
import type { Dlq, DlqSubcommand } from './dlq.ts';
import { FILTER_HELP, FILTER_OPTIONS, type LetterFilter, toFilter, UNSETTLED } from './filter-options.ts';
import { byTime, groupLetters, type LetterGroup, shortTime, statusesText, statusText } from './groups.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';

export const list: DlqSubcommand = {
  summary: 'lists dead letters and why they died, by cause or one by one',
  help: `usage: pipeline dlq list [<letter or group>...] [filters] [options]

Lists groups of dead letters with the same cause, largest first. Lists single letters with --letters, or if a letter
or a group is named. An argument is ${NAME_HELP}.

  --letters          one line per letter, latest death first
${FILTER_HELP}  --limit N          at most N lines
${PLACE_HELP}`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      letters: { type: 'boolean', default: false },
      limit: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const names = parseNames(positionals);
    if (names.length > 0 && values.group) throw new UsageError('--group and a name cannot be combined');
    const filter = toFilter(values, Date.now());
    const limit = wholeNumber('limit', values.limit, { min: 1, max: Number.MAX_SAFE_INTEGER });
    const isSingle = values.letters || names.length > 0 || values.group !== undefined;
    return { place: values, run: (dlq) => run(dlq, { names, filter, limit, isSingle, isJson: values.json }) };
  },
};

interface Options {
  names: string[];
  filter: LetterFilter;
  limit: number | undefined;
  isSingle: boolean;
  isJson: boolean;
}

async function run(dlq: Dlq, { names, filter, limit, isSingle, isJson }: Options): Promise<number> {
  const { out, state, place, signal } = dlq;
  const all = await listLetters(state, { signal });
  const letters = choose(all, names, filter, UNSETTLED, place.command);
  const lines = isSingle
    ? [...letters].sort((a, b) => byTime(b.lastDiedAt, a.lastDiedAt) || byTime(a.letter, b.letter))
    : groupLetters(letters);
  const shown = lines.slice(0, limit);
  if (isJson) {
    const kind = isSingle ? 'letters' : 'groups';
    await out.json({ total: { letters: letters.length, [kind]: lines.length }, [kind]: shown });
    return 0;
  }
  if (letters.length === 0) {
    await out.line(nothing(all.length, place.inWords, filter));
    return 0;
  }
  const table = isSingle
    ? lettersTable(shown as LetterSummary[], out.width)
    : groupsTable(shown as LetterGroup[], out.width);
  for (const line of table) await out.line(line);
  const cut = shown.length < lines.length ? `; ${count(lines.length - shown.length)} more not shown` : '';
  const groups = isSingle ? '' : ` in ${counted(lines.length, 'group')}`;
  await out.line(`${counted(letters.length, 'dead letter')}${groups}${cut}`);
  return 0;
}

function nothing(known: number, where: string, { isEmpty }: LetterFilter): string {
  if (known === 0) return `there are no dead letters: ${where} is empty`;
  if (!isEmpty) return `no match among ${counted(known, 'dead letter')} in ${where}`;
  return `no dead letter is open; ${count(known)} settled in ${where} (--status all lists them)`;
}

function groupsTable(groups: readonly LetterGroup[], width: number): string[] {
  const rows = groups.map((group) => [
    group.group,
    statusesText(group.statuses),
    group.function,
    group.code,
    shortTime(group.firstDiedAt),
    shortTime(group.lastDiedAt),
    group.pattern,
  ]);
  const head = ['group', 'letters', 'function', 'code', 'first', 'last', 'cause'];
  const limits = [{}, {}, { widest: 24, narrowest: 10 }, { widest: 20, narrowest: 8 }, {}, {}, CAUSE];
  return tableLines([head, ...rows.map(printableCells)], limits, width);
}

const CAUSE = { widest: 300, narrowest: 20 };

function lettersTable(letters: readonly LetterSummary[], width: number): string[] {
  const rows = letters.map((letter) => [
    letter.letter.slice(0, 12),
    statusText(letter.status),
    letter.function,
    letter.code,
    shortTime(letter.lastDiedAt),
    String(letter.deaths),
    letter.concern,
    letter.pattern,
  ]);
  const head = ['letter', 'status', 'function', 'code', 'died', 'times', 'about', 'cause'];
  const limits = [
    {},
    {},
    { widest: 24, narrowest: 10 },
    { widest: 20, narrowest: 8 },
    {},
    {},
    { widest: 60, narrowest: 20 },
    CAUSE,
  ];
  return tableLines([head, ...rows.map(printableCells)], limits, width);
}

function printableCells(cells: readonly string[]): string[] {
  return cells.map((cell) => printable(cell.slice(0, 500)));
}
