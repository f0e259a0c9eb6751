import type { ProbedVideo } from './probe-video.ts';
import type { Container } from './sniff-container.ts';
import type { StatedTrack } from './stated-track.ts';

export interface VideoLength {
  /** Length of the video stream; undefined if nothing states it, or the statement is wrong. */
  durationSeconds: number | undefined;
  /** Lower bound of the length. */
  atLeast: number;
}

/**
 * Length of the video, from the container's statements and ffmpeg's. Too long is harmless: past the end the last
 * frame is shown. Too short would hide frames, so of two statements the longer one counts.
 */
export function lengthOf(
  probed: Pick<ProbedVideo, 'durationSeconds' | 'firstPts' | 'timeBase'>,
  track: StatedTrack | undefined,
  container: Container,
): VideoLength {
  const { durationSeconds: stated, firstPts, timeBase } = probed;
  const first = (firstPts * timeBase.num) / timeBase.den;
  if (container === 'matroska') {
    const length = stated !== undefined && track?.statesEnd ? stated - first : stated;
    const atLeast = Math.max(0, (track?.lastCueSeconds ?? 0) - first);
    const isTrue = length !== undefined && length > 0 && length >= atLeast;
    return { durationSeconds: isTrue ? length : undefined, atLeast };
  }
  if (container === 'mp4' && (track?.fragmented || track?.seconds === undefined)) {
    const start = track?.startSeconds ?? 0;
    // ffmpeg reports when the last fragment ends; an end before the start is a length already
    const length = stated !== undefined && stated > start ? stated - start : stated;
    return known(length === undefined ? track?.seconds : Math.max(length, track?.seconds ?? 0));
  }
  return known(track?.seconds ?? stated);
}

function known(durationSeconds: number | undefined): VideoLength {
  return { durationSeconds, atLeast: durationSeconds ?? 0 };
}
