import type { Gemini, GeminiPart, TokenCounts } from '../../shared/gcp/gemini.ts';
import { withLease } from '../../shared/runtime/lease.ts';
import { once, readRecord } from '../../shared/runtime/once.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import type { Question } from './check-upload.ts';
import type { VideoConfig } from './config.ts';
import { dailyBudget } from './daily-budget.ts';
import type { VideoFile } from './media/video-file.ts';
import { type FoundMoment, findMoments, type MomentsFound } from './moments/find-moments.ts';
import { refineMoment } from './moments/refine-moment.ts';
import type { VideoNames } from './records.ts';

export interface DetectedMoment {
  /** As Gemini wrote it in the coarse pass. */
  timestamp: string;
  coarseSeconds: number;
  /** The time decided on: of one frame after the fine pass, else the coarse time. */
  chosenSeconds: number;
  decidedBy: 'stills' | 'coarse';
  /** In [0, 1]. */
  confidence: number;
  description: string;
}

export interface DroppedMoment {
  timestamp: string;
  reason: string;
}

export interface TokensSpent extends TokenCounts {
  coarse: TokenCounts;
  fine: TokenCounts;
}

/** The write-once answer to "when does it happen": a retry neither pays again nor chooses anew. */
export interface Detection {
  schemaVersion: 1;
  question: { moment: string; maxMoments: number };
  model: { sdk: string; name: string; asks: number };
  moments: DetectedMoment[];
  dropped: DroppedMoment[];
  tokens: TokensSpent;
}

export interface DetectInput {
  video: VideoFile;
  /** How Gemini gets to see the video. */
  part: GeminiPart;
  question: Question;
  names: VideoNames;
  state: ObjectStore;
  config: VideoConfig;
  gemini(): Promise<Gemini>;
  signal: AbortSignal;
}

/** Throws `busy` while another delivery of the same upload is asking, `over-budget` where the day's bounds are met. */
export async function detect(input: DetectInput): Promise<Detection> {
  const { state, names, signal, config } = input;
  const known = await readRecord<Detection>(state, names.detection, { signal });
  if (known) return known;
  return withLease(state, names.lease, { ttlMs: config.leaseMs, signal }, () =>
    // Looked up again: the holder before us may have answered between our look and our lease.
    once(state, names.detection, () => ask(input), { signal }),
  );
}

async function ask(input: DetectInput): Promise<Detection> {
  const { video, question, names, state, config, signal } = input;
  const budget = dailyBudget({ state, limits: config.daily, video: names.coarse, signal });
  const gemini = budget.counted(await input.gemini());
  const { durationSeconds } = video.facts;
  const coarse = await once<MomentsFound>(
    state,
    names.coarse,
    async () => {
      await budget.admit();
      const { fps } = config.gemini;
      return findMoments({ part: input.part, durationSeconds, file: video }, question, {
        gemini,
        fps,
        signal,
      });
    },
    { signal },
  );
  const dropped: DroppedMoment[] = [...coarse.dropped];
  const moments: DetectedMoment[] = [];
  let fine = NO_TOKENS;
  let asks = coarse.asks;
  for (const [index, found] of coarse.moments.entries()) {
    // Of a single moment, the detection itself is the record that follows at once.
    const refined =
      coarse.moments.length === 1
        ? await refine(found, input, gemini)
        : await once(state, names.fine(index), () => refine(found, input, gemini), { signal });
    fine = addTokens(fine, refined.tokens);
    asks += refined.asks;
    if (moments.some((moment) => moment.chosenSeconds === refined.chosenSeconds)) {
      dropped.push({ timestamp: found.timestamp, reason: 'the same frame as an earlier moment' });
      continue;
    }
    const { chosenSeconds, decidedBy } = refined;
    moments.push({
      timestamp: found.timestamp,
      coarseSeconds: found.seconds,
      chosenSeconds,
      decidedBy,
      confidence: found.confidence,
      description: found.description,
    });
  }
  return {
    schemaVersion: 1,
    question: { moment: question.moment, maxMoments: question.maxMoments },
    model: { sdk: config.gemini.sdk, name: coarse.model, asks },
    moments,
    dropped,
    tokens: { ...addTokens(coarse.tokens, fine), coarse: coarse.tokens, fine },
  };
}

interface Refined {
  chosenSeconds: number;
  decidedBy: 'stills' | 'coarse';
  tokens: TokenCounts;
  asks: number;
}

async function refine(found: FoundMoment, input: DetectInput, gemini: Gemini): Promise<Refined> {
  if (input.config.refine.by === 'none') {
    return { chosenSeconds: found.seconds, decidedBy: 'coarse', tokens: NO_TOKENS, asks: 0 };
  }
  const { windowSeconds, stills } = input.config.refine;
  const { signal } = input;
  const refined = await refineMoment(input.video, found, input.question, {
    gemini,
    windowSeconds,
    stillsPerWindow: stills,
    signal,
  });
  return { chosenSeconds: refined.time, decidedBy: refined.by, tokens: refined.tokens, asks: refined.asks };
}

const NO_TOKENS: TokenCounts = { prompt: 0, output: 0, thoughts: 0, total: 0 };

function addTokens(a: TokenCounts, b: TokenCounts): TokenCounts {
  return {
    prompt: a.prompt + b.prompt,
    output: a.output + b.output,
    thoughts: a.thoughts + b.thoughts,
    total: a.total + b.total,
  };
}
