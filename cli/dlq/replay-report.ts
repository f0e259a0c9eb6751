import { printable } from '../../local/terminal-text.ts';
import { count, counted, secondsText } from '../common/numbers.ts';
import { type CommandText, plainCommand } from './place.ts';
import type { Left, ReplayPlan } from './replay-plan.ts';
import type { Sent } from './replay-send.ts';
import type { Outcomes } from './replay-wait.ts';

/** Published letters whose outcome will be recorded. */
export function markedOf({ published, unmarked }: Sent): string[] {
  const lost = new Set(unmarked);
  return published.filter((letter) => !lost.has(letter));
}

/** Progress and outcome of a replay. */
export interface Report {
  key: string | undefined;
  plan: ReplayPlan;
  sent: Sent;
  outcomes?: Outcomes;
}

export function exitCode({ plan, sent, outcomes }: Report): number {
  const isLeft = [...plan.left, ...sent.left].some(({ kind }) => kind !== 'settled');
  const isOpen = outcomes !== undefined && outcomes.resolved.length < markedOf(sent).length;
  return isLeft || isOpen ? 1 : 0;
}

export function asJson(
  { key, plan, sent, outcomes }: Report,
  { isDryRun }: { isDryRun: boolean },
): Record<string, unknown> {
  return {
    dryRun: isDryRun,
    replay: key ?? null,
    wanted: plan.wanted.map(({ letter }) => letter),
    published: sent.published,
    unmarked: sent.unmarked,
    left: [...plan.left, ...sent.left],
    ...(outcomes && { outcomes }),
  };
}

const SHOWN_LEFT = 20;

export function describePlan(
  { wanted, left }: ReplayPlan,
  { isDryRun, rate }: { isDryRun: boolean; rate: number },
): string[] {
  const functions = new Map<string, number>();
  for (const { function: name } of wanted) functions.set(name, (functions.get(name) ?? 0) + 1);
  const parts = [...functions].map(([name, number]) => `${count(number)} to ${printable(name)}`);
  const verb = isDryRun ? 'would be replayed (dry run)' : 'to replay';
  const seconds = secondsText((wanted.length / rate) * 1_000);
  return [
    ...leftLines(left),
    `${counted(wanted.length, 'dead letter')} ${verb}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`,
    ...(isDryRun && wanted.length > 0 ? [`at ${rate} a second it takes ${seconds}`] : []),
  ];
}

function leftLines(left: readonly Left[]): string[] {
  const settled = left.filter(({ kind }) => kind === 'settled');
  const others = left.filter(({ kind }) => kind !== 'settled');
  const reasons = new Map<string, number>();
  for (const { reason } of settled) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const lines = others.slice(0, SHOWN_LEFT).map(({ letter, concern, reason }) => {
    return `skipped: ${letter.slice(0, 12)}  ${printable(`${concern}: ${reason}`)}`;
  });
  if (others.length > SHOWN_LEFT)
    lines.push(`skipped: ${count(others.length - SHOWN_LEFT)} more (--json lists all)`);
  for (const [reason, number] of reasons) lines.push(`skipped: ${count(number)}, ${reason}`);
  return lines;
}

export function describeOutcomes({ sent, outcomes }: Report, command: CommandText = plainCommand): string[] {
  const lines = leftLines(sent.left);
  if (sent.unmarked.length > 0) {
    lines.push(
      `${counted(sent.unmarked.length, 'dead letter')} had no room for the replay attributes: their outcome shows only in their objects and table rows`,
    );
  }
  if (!outcomes) return lines;
  const { resolved, failedAgain, pending, dropped } = outcomes;
  const others = dropped.length > 0 ? `, ${count(dropped.length)} discarded or expired meanwhile` : '';
  lines.push(
    `${count(resolved.length)} resolved, ${count(failedAgain.length)} failed again, ${count(pending.length)} without an outcome yet${others}`,
  );
  for (const letter of failedAgain.slice(0, SHOWN_LEFT)) {
    lines.push(`failed again: ${letter.slice(0, 12)}  ${command(`show ${letter.slice(0, 12)}`)}`);
  }
  return lines;
}
