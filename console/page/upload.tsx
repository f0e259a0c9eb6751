import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Manifest, ManifestMoment } from '../../functions/video/manifest.ts';
import type { FeedEvent, UploadAnswer, UploadKey, UploadResult } from '../api-types.ts';
import { mediaUrl } from './api.ts';
import { AskAgain } from './ask-again.tsx';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { bytes, Chip, counted, Empty, Facts, Head, Loading, Problem, seconds, Time, Tree } from './parts.tsx';
import { Player } from './player.tsx';
import { go, linkTo } from './route.ts';
import { Steps } from './steps.tsx';
import { OUTCOMES } from './uploads.tsx';

/** One upload: its video with the moments, and what each question found. */
export function Upload({ upload, query }: { upload: UploadKey; query: URLSearchParams }): JSX.Element {
  const { value, problem, isLoading, reload } = useJson<UploadAnswer>('upload', { ...upload });
  const [asked, setAsked] = useState<string | undefined>(undefined);
  const [stages, setStages] = useState<string[]>([]);
  const results = value?.results ?? [];
  const answer = results.find(({ manifest }) => asked !== undefined && manifest?.question?.moment === asked);
  const isOpen = value !== undefined && (results.length === 0 || (asked !== undefined && !answer));
  const reloadSoon = useThrottled(reload, 400);
  const address = `gs://${upload.bucket}/${upload.name}`;
  useFeed((event: FeedEvent) => {
    if (event.kind === 'stage' && event.name === address)
      setStages((before) => [...new Set([...before.slice(-20), event.text])]);
    if (isOpen && event.kind !== 'attempt') reloadSoon();
  });
  // an answer that has arrived is what the reader waits for
  useEffect(() => {
    if (answer) choose({ question: questionOf(answer) });
  }, [answer?.name]);
  // in the address, so that a link to a moment can be shared
  const choose = (shown: Readonly<Record<string, string>>): void =>
    go(['upload', upload.bucket, upload.generation, upload.name], shown);
  const question = query.get('question') ?? '';
  const result = results.find((one) => questionOf(one) === question) ?? results[0];
  return (
    <>
      <p class="crumbs">
        <a href={linkTo(['uploads'])}>Uploads</a>
      </p>
      <Head title={upload.name}>
        {value?.correlationIds.map((id) => (
          <a key={id} class="button" href={linkTo(['trace', id])}>
            Trace
          </a>
        ))}
      </Head>
      {problem && <Problem text={problem} onRetry={reload} />}
      {!value && isLoading && <Loading />}
      {value && results.length > 1 && (
        <fieldset class="tabs" aria-label="Questions">
          {results.map((one, index) => (
            <button
              key={one.name}
              type="button"
              aria-pressed={one === result}
              onClick={() => choose({ question: questionOf(one) })}
            >
              {one.manifest?.question?.moment ?? (index === 0 ? 'first question' : one.name)}
            </button>
          ))}
        </fieldset>
      )}
      {value && !result && <InProgress upload={value} stages={stages} />}
      {result && value && (
        <Result
          key={result.name}
          result={result}
          upload={value}
          at={Math.max(0, Number(query.get('moment') ?? 1) - 1) || 0}
          onMoment={(at) => choose({ question, moment: at === 0 ? '' : String(at + 1) })}
        />
      )}
      {value && asked !== undefined && !answer && (
        <p class="note pulse" role="status">
          Asked. The answer appears here; if it is refused, it is among the{' '}
          <a href={linkTo(['letters'])}>dead letters</a>.
        </p>
      )}
      {value?.video && <AskAgain upload={upload} onAsked={setAsked} />}
    </>
  );
}

function InProgress({ upload, stages }: { upload: UploadAnswer; stages: string[] }): JSX.Element {
  return (
    <Empty title={upload.isBusy || stages.length > 0 ? 'It is being processed' : 'It has no result yet'}>
      {stages.length > 0 && (
        <ol class="stages" aria-live="polite">
          {stages.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ol>
      )}
      {upload.failures > 0 && (
        <p>
          {counted(upload.failures, 'attempt')} failed; if it is given up, it is among the{' '}
          <a href={linkTo(['letters'])}>dead letters</a>.
        </p>
      )}
      {stages.length === 0 && upload.failures === 0 && (
        <p>The result appears here when processVideo has written it.</p>
      )}
    </Empty>
  );
}

/** Id of a further question, which its folder has, too; empty for the first one. */
const questionOf = ({ name }: UploadResult): string => /\/q-([0-9a-f]{16})\/[^/]+$/.exec(name)?.[1] ?? '';

function Result({
  result: { name, manifest, problem },
  upload,
  at,
  onMoment,
}: {
  result: UploadResult;
  upload: UploadAnswer;
  at: number;
  onMoment(at: number): void;
}): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  if (!manifest) return <Problem text={`${name}: ${problem}`} />;
  const moment = manifest.moments[at];
  const show = (index: number): void => {
    onMoment(index);
    const player = video.current;
    const chosen = manifest.moments[index];
    if (player && chosen) player.currentTime = chosen.seconds;
  };
  return (
    <>
      {manifest.question && <p class="lead">“{manifest.question.moment}”</p>}
      <div class="watch">
        <section class="panel" aria-label="Video">
          <Player
            video={video}
            src={upload.video && mediaUrl(upload)}
            duration={manifest.source.video?.durationSeconds}
            moments={manifest.moments}
            chosen={at}
            onChoose={show}
          />
        </section>
        <section class="panel" aria-label="Frame">
          {moment ? (
            <Frame moment={moment} />
          ) : (
            <Empty title={OUTCOMES[manifest.outcome]}>
              {manifest.rejection
                ? `${manifest.rejection.code}: ${manifest.rejection.reason}`
                : 'The model saw no such moment. Ask another question below.'}
            </Empty>
          )}
        </section>
      </div>
      <Details manifest={manifest} upload={upload} moment={moment} />
    </>
  );
}

function Frame({ moment }: { moment: ManifestMoment }): JSX.Element {
  const { frame, confidence, description } = moment;
  return (
    <figure class="frame">
      <a href={mediaUrl(frame)} target="_blank" rel="noreferrer">
        <img src={mediaUrl(frame)} alt={description} width={frame.width} height={frame.height} />
      </a>
      <figcaption>
        <b>{seconds(moment.seconds)}</b> <span class="faint">{Math.round(confidence * 100)} % sure</span>
        <p>{description}</p>
        <p class="faint">
          {frame.width} × {frame.height}, {bytes(frame.size)}
        </p>
      </figcaption>
    </figure>
  );
}

function Details({
  manifest,
  upload,
  moment,
}: {
  manifest: Manifest;
  upload: UploadAnswer;
  moment: ManifestMoment | undefined;
}): JSX.Element {
  const { outcome, model, tokens, estimatedCost, attempts, createdAt, source } = manifest;
  const total = (tokens as { total?: number } | undefined)?.total;
  return (
    <>
      <Facts
        facts={[
          [
            'outcome',
            <Chip key="o" kind={outcome}>
              {OUTCOMES[outcome]}
            </Chip>,
          ],
          ['model', model ? `${model.name}, ${counted(model.asks, 'request')}` : '–'],
          ['tokens', total === undefined ? '–' : total.toLocaleString()],
          ['cost', estimatedCost === undefined ? '–' : `$${estimatedCost}`],
          ['attempts', String(attempts)],
          ['video', source.size === undefined ? '–' : `${source.video?.codec ?? ''} ${bytes(source.size)}`],
          ['finished', <Time key="t" at={createdAt} />],
        ]}
      />
      <div class="watch">
        {moment?.contactSheet && (
          <section class="panel sheet" aria-label="Contact sheet">
            <h2>Around the moment</h2>
            <img src={mediaUrl(moment.contactSheet)} alt="Frames around the moment" loading="lazy" />
          </section>
        )}
        <section class="panel">
          <h2>Steps</h2>
          <Steps timings={manifest.timings} />
        </section>
      </div>
      <details class="panel">
        <summary>Manifest</summary>
        <Tree value={manifest} />
      </details>
      <details class="panel">
        <summary>{counted(upload.objects.length, 'stored object')}</summary>
        <ul class="objects">
          {upload.objects.map(({ name, generation, size, contentType }) => (
            <li key={name}>
              <a
                href={mediaUrl({ bucket: upload.framesBucket, name, generation })}
                target="_blank"
                rel="noreferrer"
              >
                {name}
              </a>
              <span class="faint">
                {contentType}, {bytes(size)}
              </span>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}
