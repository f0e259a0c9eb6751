import { printable } from '../../local/terminal-text.ts';
import { listLetters } from '../../shared/dead-letters/letter-store.ts';
import type { LetterSummary } from '../../shared/dead-letters/records.ts';
import { columnWidths, tableLine } from '../common/columns.ts';
import { count, counted } from '../common/numbers.ts';
import { parseOptions } from '../common/options.ts';
import { choose } from './choose.ts';
import type { DlqSubcommand } from './dlq.ts';
import { FILTER_HELP, FILTER_OPTIONS, STATUSES, toFilter } from './filter-options.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';

const DAYS = 30;

export const stats: DlqSubcommand = {
  summary: 'counts dead letters by status, function, code, disposition, age and day',
  help: `usage: pipeline dlq stats [filters] [options]

Counts dead letters, settled ones too, by status, function, code, disposition, age of those that are not settled,
and day of the first death (the last ${DAYS} days that have any).

${FILTER_HELP}${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...FILTER_OPTIONS,
      json: { type: 'boolean', default: false },
    });
    const filter = toFilter(values, Date.now());
    return {
      place: values,
      async run({ out, state, clock, place, signal }) {
        const all = await listLetters(state, { signal });
        const letters = choose(all, [], filter, STATUSES);
        const counts = countLetters(letters, clock.now());
        if (values.json) {
          await out.json(counts);
          return 0;
        }
        await out.line(
          `${counted(letters.length, 'dead letter')}, ${counted(counts.deaths, 'death')}, in ${place.inWords}`,
        );
        for (const line of describe(counts, out.width)) await out.line(line);
        return 0;
      },
    };
  },
};

type Counts = Record<string, number>;

export interface LetterCounts {
  letters: number;
  deaths: number;
  replays: number;
  byStatus: Counts;
  byFunction: Counts;
  byCode: Counts;
  byWay: Counts;
  /** Unsettled letters by time since the last death. */
  byAge: Counts;
  /** All letters by day of the first death. */
  byDay: Counts;
}

const AGES: readonly [name: string, hours: number][] = [
  ['under an hour', 1],
  ['under a day', 24],
  ['under a week', 168],
  ['older', Number.POSITIVE_INFINITY],
];

export function countLetters(letters: readonly LetterSummary[], now: number): LetterCounts {
  const unsettled = letters.filter(({ status }) => status !== 'resolved' && status !== 'discarded');
  const hoursOf = ({ lastDiedAt }: LetterSummary): number => (now - Date.parse(lastDiedAt)) / 3_600_000;
  const ageOf = (letter: LetterSummary): string =>
    AGES.find(([, hours]) => hoursOf(letter) < hours)?.[0] ?? 'older';
  return {
    letters: letters.length,
    deaths: sum(letters.map(({ deaths }) => deaths)),
    replays: sum(letters.map(({ replays }) => replays)),
    byStatus: inOrder(
      tally(letters, ({ status }) => status),
      STATUSES,
    ),
    byFunction: largestFirst(tally(letters, (letter) => letter.function)),
    byCode: largestFirst(tally(letters, ({ code }) => code)),
    byWay: largestFirst(tally(letters, ({ way }) => way)),
    byAge: inOrder(
      tally(unsettled, ageOf),
      AGES.map(([name]) => name),
    ),
    byDay: Object.fromEntries(
      Object.entries(tally(letters, ({ firstDiedAt }) => firstDiedAt.slice(0, 10)))
        .sort()
        .slice(-DAYS),
    ),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function tally(letters: readonly LetterSummary[], nameOf: (letter: LetterSummary) => string): Counts {
  const counts = new Map<string, number>();
  for (const letter of letters) counts.set(nameOf(letter), (counts.get(nameOf(letter)) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function largestFirst(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).sort(([, a], [, b]) => b - a));
}

function inOrder(counts: Counts, names: readonly string[]): Counts {
  return Object.fromEntries(
    names.flatMap((name) => (counts[name] === undefined ? [] : [[name, counts[name]]])),
  );
}

const BAR = 40;

function describe(counts: LetterCounts, width: number): string[] {
  const sections: [string, Counts][] = [
    ['status', counts.byStatus],
    ['function', counts.byFunction],
    ['code', counts.byCode],
    ['disposition', counts.byWay],
    ['unsettled for', counts.byAge],
    ['day', counts.byDay],
  ];
  const limits = [{ widest: 40 }, {}, { widest: BAR, narrowest: 1 }];
  const rowsOf = (part: Counts): string[][] => {
    const entries = Object.entries(part);
    const most = Math.max(...entries.map(([, number]) => number));
    return entries.map(([name, number]) => [
      `  ${printable(name.slice(0, 200))}`,
      count(number).padStart(9),
      '#'.repeat(Math.ceil((number / most) * BAR)),
    ]);
  };
  // the same widths in all sections
  const widths = columnWidths(
    sections.flatMap(([, part]) => rowsOf(part)),
    limits,
    width,
  );
  return sections.flatMap(([title, part]) => {
    const rows = rowsOf(part);
    return rows.length === 0 ? [] : ['', title, ...rows.map((cells) => tableLine(cells, widths, width))];
  });
}
