import { counted } from '../../../shared/core/counted.ts';
import { AppError } from '../../../shared/core/errors.ts';
import {
  type AskOptions,
  askModel,
  NOTHING_SPENT,
  type Spent,
  sumSpent,
} from '../../../shared/vision/ask-model.ts';
import type { VisionModel } from '../../../shared/vision/vision-model.ts';
import { encodeStill } from '../media/encode-still.ts';
import type { VideoFile, VideoFrame } from '../media/video-file.ts';
import { nameStill } from './ask-about-stills.ts';
import type { StillTools } from './find-in-stills.ts';
import type { AskedMoment, FoundMoment } from './find-moments.ts';
import { areNeighbours, bestNear, changeBetween } from './narrow-moment.ts';
import { distinctFrames, stillTimes } from './still-times.ts';
import { numberedStills, STILL_WIDTH } from './stills.ts';

export interface RefineOptions extends StillTools {
  model: VisionModel;
  /** Width of the window around the coarse time, in seconds. */
  windowSeconds: number;
  /** Maximum number of frames shown; the last pass shows up to twice as many. */
  stillsPerWindow: number;
  /** Requests a moment, without repetitions: 1 or 2. Default 2. */
  requests?: number;
  /** Keeps the first answer if a second request follows, so that a retry pays only for that one. */
  firstAnswer?: {
    read(): Promise<FirstAnswer | undefined>;
    keep(answer: FirstAnswer): Promise<unknown>;
  };
  signal?: AbortSignal;
  retry?: AskOptions;
}

/** The still named in the first pass, counted from 1; undefined if none was. */
export interface FirstAnswer extends Spent {
  still?: number;
  confidence?: number;
  /** Why none was, if the model did not say so itself. */
  failure?: string;
}

export interface RefinedMoment extends Spent {
  /** Start of the chosen frame's display, in seconds. */
  time: number;
  /** The still that the model named, counted from 1; null if the coarse time was kept. */
  still: number | null;
  /** Number of stills shown in the first pass. */
  of: number;
  /** In [0, 1]; the coarse pass's if its time was kept. */
  confidence: number;
  by: 'stills' | 'coarse';
  /** How the frame was chosen, or why the coarse time was kept. */
  reason: string;
}

/**
 * The fine pass shows the model evenly spaced frames around a coarse time as numbered stills and lets it name one. If
 * the picture changes abruptly between the still before and that one, the first changed frame is taken. If it changes
 * gradually, the last pass asks once more, about the frames between the still before and the one after. The coarse
 * time is kept if there are at most two frames, if the model names none, or if it cannot answer. Throws the retryable
 * errors of VisionModel.ask.
 */
export async function refineMoment(
  file: VideoFile,
  moment: Pick<FoundMoment, 'seconds' | 'confidence'> & Partial<Pick<FoundMoment, 'by'>>,
  asked: Pick<AskedMoment, 'moment'>,
  options: RefineOptions,
): Promise<RefinedMoment> {
  const { stillsPerWindow, windowSeconds, requests = 2, firstAnswer } = options;
  const kept = { still: null, confidence: moment.confidence, ...NOTHING_SPENT };
  if (moment.by === 'stills') {
    return { ...kept, time: moment.seconds, of: 0, by: 'stills', reason: 'a frame was named already' };
  }
  const window = { windowSeconds, count: stillsPerWindow };
  const times = stillTimes(moment.seconds, window, file.facts.durationSeconds);
  const frames = await distinctFrames(file, times, STILL_WIDTH);
  const of = frames.length;
  const coarse = async (reason: string, spent: Spent): Promise<RefinedMoment> => {
    const { time } = await file.frameAt(moment.seconds);
    return { ...kept, ...spentOf(spent), time, of, by: 'coarse', reason };
  };
  if (of <= 2) return coarse(`only ${counted(of, 'frame')} around it`, NOTHING_SPENT);

  const known = await firstAnswer?.read();
  const first = known ?? (await askAbout(frames, asked, options));
  const named = first.still && frames[first.still - 1];
  if (!first.still || !named) return coarse(reasonOf(first), first);
  const narrowed = await narrow(file, frames, first.still - 1);
  if (narrowed !== undefined) return chosen(first, narrowed, 'the first frame after the change');
  if (requests < 2) return chosen(first, named.time, 'named by number');

  if (!known) await firstAnswer?.keep(first);
  const from = frames[first.still - 2] ?? named;
  const to = frames[first.still] ?? named;
  const close = await file.framesBetween(from.time, to.time, 2 * stillsPerWindow, STILL_WIDTH);
  const last = await askAbout(close, asked, options, first);
  const spent = sumSpent([first, last]);
  const nearest = last.still && close[last.still - 1];
  if (!last.still || !nearest) return chosen({ ...first, ...spent }, named.time, reasonOf(last));
  const time = (await narrow(file, close, last.still - 1)) ?? nearest.time;
  const answer = { ...last, ...spent, still: first.still };
  return chosen(answer, time, `named by number among ${counted(close.length, 'frame')}`);

  function chosen(answer: FirstAnswer, time: number, reason: string): RefinedMoment {
    const { still = null, confidence = moment.confidence } = answer;
    return { ...spentOf(answer), time, still, of, confidence, by: 'stills', reason };
  }
}

/** Start of the frame that is meant by a named still, without asking; undefined if only the model can say. */
async function narrow(file: VideoFile, stills: VideoFrame[], index: number): Promise<number | undefined> {
  const [before, named, after] = [stills[index - 1], stills[index]!, stills[index + 1]];
  const isNext = before !== undefined && areNeighbours(file, before, named);
  if (isNext && (after === undefined || areNeighbours(file, named, after)))
    return bestNear(stills, index).time;
  if (isNext || before === undefined) return named.time;
  return changeBetween(file, before.time, named.time);
}

/** Asks which still shows the moment. If the model cannot say, the answer names none and says why. */
async function askAbout(
  frames: VideoFrame[],
  asked: Pick<AskedMoment, 'moment'>,
  options: RefineOptions,
  before: Spent = NOTHING_SPENT,
): Promise<FirstAnswer> {
  const stills = await numberedStills(frames, options.encodeStill ?? encodeStill);
  const seconds = frames.at(-1)!.time - frames[0]!.time;
  let spent = NOTHING_SPENT;
  try {
    const { question, read } = nameStill(stills, { of: frames.length, seconds, moment: asked.moment });
    const { value, ...rest } = await askModel(options.model, { ...question, signal: options.signal }, read, {
      malformedTries: 2,
      ...options.retry,
      onSpent: (so) => {
        spent = so;
        options.retry?.onSpent?.(sumSpent([before, so]));
      },
    });
    return { ...spentOf(rest), ...value };
  } catch (error) {
    // an earlier answer stands; throw only what a later attempt could change
    if (!(error instanceof AppError) || !(error.code === 'malformed-answer' || error.code === 'blocked'))
      throw error;
    return { ...spent, failure: error.message };
  }
}

function reasonOf({ failure }: FirstAnswer): string {
  return failure ?? 'none of the stills was named';
}

function spentOf({ tokens, asks }: Spent): Spent {
  return { tokens, asks };
}
