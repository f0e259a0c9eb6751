import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AppAnswer, GroupsAnswer, UploadsAnswer } from '../api-types.ts';
import { mediaUrl } from './api.ts';
import { BudgetTiles } from './budget.tsx';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { count, Head, Loading, Problem } from './parts.tsx';
import { Picture } from './picture.tsx';
import { linkTo } from './route.ts';
import { Tile } from './tile.tsx';

/** Deliveries of the last seconds, by function. */
type Recent = readonly { function: string; isGood: boolean; at: number }[];

const WINDOW_MS = 10_000;

/** The app as it is wired, with what it does now. */
export function Now(): JSX.Element {
  const { value: app, problem, reload } = useJson<AppAnswer>('app');
  const letters = useJson<GroupsAnswer>('letters');
  const [recent, setRecent] = useState<Recent>([]);
  const reloadSoon = useThrottled(reload, 2_000);
  const reloadLetters = useThrottled(letters.reload, 10_000);
  useFeed((event) => {
    const from = Date.now() - WINDOW_MS;
    if (event.kind === 'attempt') {
      const next = { function: event.function, isGood: event.isGood, at: Date.now() };
      setRecent((before) => [...before.filter(({ at }) => at > from).slice(-2_000), next]);
    }
    if (event.kind === 'tick') setRecent((before) => before.filter(({ at }) => at > from));
    reloadSoon();
    reloadLetters();
  });
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (!app) return <Loading />;
  const failing = recent.filter(({ isGood }) => !isGood).length;
  const waiting = app.functions.reduce((sum, one) => sum + (one.backlog ?? 0), 0);
  const inFlight = app.functions.reduce((sum, one) => sum + (one.outstanding ?? 0), 0);
  const oldest = app.functions.flatMap((one) => one.oldest ?? []).sort()[0];
  const isCounted = app.functions.some(({ backlog }) => backlog !== undefined);
  const perSecond = (recent.length / (WINDOW_MS / 1_000)).toFixed(1);
  return (
    <>
      <Head title={app.name}>
        <span class="faint">{app.where}</span>
      </Head>
      <dl class="tiles">
        {app.isLocal && <Tile name="deliveries/s" value={perSecond} />}
        {app.isLocal && <Tile name="failed, 10 s" value={count(failing)} isBad={failing > 0} />}
        {isCounted && <Tile name="in flight" value={count(inFlight)} />}
        {isCounted && <Tile name="waiting" value={count(waiting)} />}
        {isCounted && <Tile name="oldest message" value={ageText(oldest)} isBad={isOld(oldest)} />}
        <Tile
          name="dead letters"
          value={letters.value ? count(letters.value.total.letters) : '–'}
          isBad={(letters.value?.total.letters ?? 0) > 0}
          href={linkTo(['letters'])}
        />
        {app.hasVideo && <BudgetTiles />}
      </dl>
      {letters.problem && <Problem text={letters.problem} onRetry={letters.reload} />}
      <Picture app={app} recent={recent} />
      {app.hasVideo && <LastUploads />}
    </>
  );
}

const OLD_MS = 60_000;

const isOld = (oldest: string | undefined): boolean =>
  oldest !== undefined && Date.now() - Date.parse(oldest) > OLD_MS;

/** `–` if nothing waits. */
function ageText(oldest: string | undefined): string {
  if (oldest === undefined) return '–';
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(oldest)) / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

const SHOWN = 8;

function LastUploads(): JSX.Element | null {
  const { value, problem, reload } = useJson<UploadsAnswer>('uploads', { limit: SHOWN });
  const reloadSoon = useThrottled(reload, 1_000);
  useFeed((event) => {
    if (event.kind === 'object') reloadSoon();
  });
  const shown = value?.uploads.filter(({ image }) => image).slice(0, SHOWN) ?? [];
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (shown.length === 0) return null;
  return (
    <section aria-label="Last uploads">
      <h2>Last uploads</h2>
      <ul class="strip">
        {shown.map(({ bucket, name, generation, image }) => (
          <li key={`${bucket}/${name}/${generation}`}>
            <a href={linkTo(['upload', bucket, generation, name])} title={name}>
              {image && <img src={mediaUrl(image)} alt={name} loading="lazy" />}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
