import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AppAnswer, UploadCard, UploadsAnswer } from '../api-types.ts';
import { getJson, mediaUrl } from './api.ts';
import { DropVideo } from './drop.tsx';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { bytes, Chip, counted, Empty, Head, Loading, Problem, seconds, Time } from './parts.tsx';
import { go, linkTo } from './route.ts';

export function Uploads({ app, query }: { app: AppAnswer; query: URLSearchParams }): JSX.Element {
  const prefix = query.get('prefix') ?? '';
  const { value, problem, isLoading, reload } = useJson<UploadsAnswer>('uploads', { prefix });
  const [more, setMore] = useState<UploadCard[]>([]);
  const [next, setNext] = useState<string | undefined>(undefined);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  useEffect(() => {
    setMore([]);
    setNext(value?.next);
  }, [value]);
  const reloadSoon = useThrottled(reload, 500);
  const reloadRarely = useThrottled(reload, 10_000);
  const isWaiting = value?.uploads.some(({ outcome }) => outcome === 'waiting' || outcome === 'processing');
  useFeed((event) => {
    if (event.kind === 'object' || (event.kind === 'tick' && isWaiting)) reloadSoon();
    // a console in a process of its own is not told of objects
    if (event.kind === 'tick' && more.length === 0) reloadRarely();
  });
  const loadMore = async (): Promise<void> => {
    try {
      const page = await getJson<UploadsAnswer>('uploads', { prefix, next });
      setMore([...more, ...page.uploads]);
      setNext(page.next);
    } catch (error) {
      setFailure((error as Error).message);
    }
  };
  const uploads = distinct([...(value?.uploads ?? []), ...more]);
  return (
    <>
      <Head title="Uploads">
        <input
          type="search"
          aria-label="Names that begin with"
          placeholder="Names that begin with…"
          value={prefix}
          onChange={(event) => go(['uploads'], { prefix: event.currentTarget.value })}
        />
      </Head>
      {app.isLocal && <DropVideo />}
      {problem && <Problem text={problem} onRetry={reload} />}
      {!value && isLoading && <Loading />}
      {value && uploads.length === 0 && (
        <Empty title={prefix === '' ? 'No video was uploaded yet' : 'No upload begins like this'}>
          {app.isLocal
            ? 'Drop a video above, or upload one with the command that "npm start" prints.'
            : 'Upload one with gcloud storage cp; its frame appears here.'}
        </Empty>
      )}
      {value && value.order !== 'newest' && (
        <p class="note">
          {ORDERS[value.order]} This page: {counted(value.read.requests, 'request')} to storage,{' '}
          {counted(value.looked, 'object')} listed, {bytes(value.read.bytes)} read.
        </p>
      )}
      <ul class="gallery">
        {uploads.map((upload) => (
          <li key={`${upload.bucket}/${upload.name}/${upload.generation}`}>
            <Card upload={upload} />
          </li>
        ))}
      </ul>
      {failure && <Problem text={failure} />}
      {next && (
        <button type="button" class="button more" onClick={loadMore}>
          Show more
        </button>
      )}
    </>
  );
}

/** An upload that was asked again has an outcome on more than one page. */
function distinct(uploads: readonly UploadCard[]): UploadCard[] {
  const seen = new Set<string>();
  return uploads.filter(({ bucket, name, generation }) => {
    const key = `${bucket}/${name}/${generation}`;
    return !seen.has(key) && seen.add(key);
  });
}

const ORDERS: Readonly<Record<'outcome' | 'name', string>> = {
  outcome:
    'There are too many uploads to list, so the latest outcomes are shown, as the table of events has them. An upload without an outcome is found by the beginning of its name.',
  name: 'There are too many uploads to sort, and no events of them, so they are in the order of their names.',
};

function Card({ upload }: { upload: UploadCard }): JSX.Element {
  const { bucket, name, generation, image, outcome, at, question, reason, moments = 0, questions } = upload;
  return (
    <a class="card" href={linkTo(['upload', bucket, generation, name])}>
      <span class="picture">
        {image ? (
          <img src={mediaUrl(image)} alt="" loading="lazy" decoding="async" />
        ) : (
          <span class={`no-picture ${outcome === 'waiting' || outcome === 'processing' ? 'pulse' : ''}`}>
            {OUTCOMES[outcome]}
          </span>
        )}
        {upload.seconds !== undefined && <span class="stamp">{seconds(upload.seconds)}</span>}
      </span>
      <span class="card-text">
        <span class="card-name" title={name}>
          {name}
        </span>
        <span class="card-line">
          <Chip kind={outcome}>{OUTCOMES[outcome]}</Chip>
          {moments > 1 && <span class="faint">{moments} moments</span>}
          {questions > 0 && <span class="faint">+{counted(questions, 'question')}</span>}
          <span class="faint push">
            <Time at={at} />
          </span>
        </span>
        <span class="card-question">{reason ?? question ?? ''}</span>
      </span>
    </a>
  );
}

export const OUTCOMES: Readonly<Record<UploadCard['outcome'], string>> = {
  framed: 'framed',
  'no-moment': 'no such moment',
  rejected: 'rejected',
  damaged: 'damaged manifest',
  processing: 'being processed',
  waiting: 'waiting',
};
