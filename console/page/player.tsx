import type { JSX, RefObject } from 'preact';
import { useState } from 'preact/hooks';
import type { ManifestMoment } from '../../functions/video/manifest.ts';
import { Empty, seconds } from './parts.tsx';

interface PlayerProps {
  video: RefObject<HTMLVideoElement | null>;
  /** Undefined if the video was deleted. */
  src: string | undefined;
  duration: number | undefined;
  moments: readonly ManifestMoment[];
  chosen: number;
  onChoose(index: number): void;
}

/** The video, and below it a time line with a mark for each moment. */
export function Player({ video, src, duration, moments, chosen, onChoose }: PlayerProps): JSX.Element {
  const [known, setKnown] = useState(duration);
  const [now, setNow] = useState(0);
  const [isBroken, setBroken] = useState(false);
  const length = known ?? Math.max(1, ...moments.map((moment) => moment.seconds));
  const share = (at: number): string => `${Math.min(100, Math.max(0, (at / length) * 100))}%`;
  return (
    <>
      {src === undefined || isBroken ? (
        <Empty title={src === undefined ? 'The video was deleted' : 'This browser cannot play the video'}>
          {src === undefined ? (
            'Its frames and manifest are still here.'
          ) : (
            <a href={src}>Download it, and open it in another player</a>
          )}
        </Empty>
      ) : (
        // biome-ignore lint/a11y/useMediaCaption: uploads have no captions
        <video
          ref={video}
          src={src}
          controls
          playsInline
          preload="metadata"
          onLoadedMetadata={({ currentTarget }) => {
            if (Number.isFinite(currentTarget.duration)) setKnown(currentTarget.duration);
            const moment = moments[chosen];
            if (moment) currentTarget.currentTime = moment.seconds;
          }}
          onTimeUpdate={({ currentTarget }) => setNow(currentTarget.currentTime)}
          onError={() => setBroken(true)}
        />
      )}
      <div class="timeline">
        <div class="rail">
          <div class="played" style={{ width: share(now) }} />
          {moments.map((moment, index) => (
            <button
              key={`${moment.seconds} ${moment.frame.name}`}
              type="button"
              class="mark"
              style={{ left: share(moment.seconds) }}
              aria-pressed={index === chosen}
              aria-label={`Moment at ${seconds(moment.seconds)}`}
              title={`${seconds(moment.seconds)} ${moment.description}`}
              onClick={() => onChoose(index)}
            />
          ))}
        </div>
        <div class="ends">
          <span>{seconds(now)}</span>
          <span>{seconds(length)}</span>
        </div>
      </div>
    </>
  );
}
