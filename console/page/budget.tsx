import type { JSX } from 'preact';
import type { BudgetAnswer, SettingsAnswer } from '../api-types.ts';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { count } from './parts.tsx';
import { Tile } from './tile.tsx';

const RELOAD_MS = 60_000;

/** What the day has taken of its limits. */
export function BudgetTiles(): JSX.Element {
  const { value, problem, reload } = useJson<BudgetAnswer>('budget');
  const settings = useJson<SettingsAnswer>('settings', { function: 'processVideo' }).value?.settings;
  const reloadRarely = useThrottled(reload, RELOAD_MS);
  useFeed((event) => {
    if (event.kind === 'tick') reloadRarely();
  });
  const tile = (name: string, used: number | undefined, setting: string): JSX.Element => {
    const { value: given, from } = settings?.find((one) => one.name === setting) ?? {};
    const limit = Number(given ?? 0);
    const bound = limit === 0 ? '' : `of ${count(limit)}${from === 'unknown' ? ' by default' : ''}`;
    const unknown = problem === undefined ? '–' : '?';
    const isMore = value?.isMore && used === Math.max(value.videos, value.geminiCalls);
    const more = isMore ? '+' : '';
    return (
      <Tile
        name={name}
        note={bound}
        value={used === undefined ? unknown : `${count(used)}${more}`}
        isBad={limit > 0 && (used ?? 0) >= limit}
        title={
          problem ?? (given === '0' ? `${setting} is 0: nothing is counted` : `since 00:00 UTC (${setting})`)
        }
      />
    );
  };
  return (
    <>
      {tile('videos today', value?.videos, 'DAILY_VIDEOS')}
      {tile('Gemini calls today', value?.geminiCalls, 'DAILY_GEMINI_CALLS')}
    </>
  );
}
