import { withLease } from '../../shared/records/lease.ts';
import { readRecord, record, writeRecord } from '../../shared/records/record.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { NOTHING_SPENT, type Spent, sumSpent } from '../../shared/vision/ask-model.ts';
import type { TokenCounts, VisionModel, VisionPart } from '../../shared/vision/vision-model.ts';
import { dailyBudget } from './daily-budget.ts';
import type { VideoFile } from './media/video-file.ts';
import { type FoundMoment, findMoments, type MomentsFound } from './moments/find-moments.ts';
import { type FirstAnswer, type RefineOptions, refineMoment } from './moments/refine-moment.ts';
import type { Question } from './questions.ts';
import type { VideoNames } from './records.ts';
import type { VideoConfig } from './settings.ts';

export interface DetectedMoment {
  /** As the model wrote it in the coarse pass. */
  timestamp: string;
  coarseSeconds: number;
  /** Time of the chosen frame after the fine pass, else the coarse time. */
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

/** The write-once answer to "when does it happen": a retry neither pays nor chooses again. */
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
  /** How the video is passed to the model. */
  part: VisionPart;
  question: Question;
  names: VideoNames;
  state: ObjectStore;
  config: VideoConfig;
  model(): Promise<VisionModel>;
  /** Prefix of the object's name: identifies the uploader whose daily share is counted. */
  prefix: string;
  /**
   * Called when the model has answered, before the answer is stored: throws a refusal if the model may have seen
   * another generation.
   */
  confirmSeen(): Promise<void>;
  /** Called with the total cost so far, so that a later refusal can report it. */
  onSpent(spent: Spending): void;
  signal: AbortSignal;
}

export interface Spending {
  question: Detection['question'];
  model: Detection['model'];
  tokens: TokensSpent;
}

/** Throws `busy` while another delivery of the same upload is asking, `over-budget` if the day's limits are reached. */
export async function detect(input: DetectInput): Promise<Detection> {
  const { state, names, signal, config } = input;
  const known = await readRecord<Detection>(state, names.detection, { signal });
  if (known) return known;
  return withLease(state, names.lease, { ttlMs: config.leaseMs, signal }, () =>
    // read again: the previous holder may have answered between our read and our lease
    record(state, names.detection, () => ask(input), { signal }),
  );
}

async function ask(input: DetectInput): Promise<Detection> {
  const { video, question, names, state, config, prefix, signal } = input;
  const budget = dailyBudget({ state, limits: config.daily, video: names.coarse, prefix, signal });
  const model = budget.counted(await input.model());
  const { durationSeconds } = video.facts;
  const bill = new Bill(input);
  let resumed = true;
  const coarse = await record<MomentsFound>(
    state,
    names.coarse,
    async () => {
      resumed = false;
      await budget.admit();
      const { fps } = config.gemini;
      const retry = { onSpent: (spent: Spent) => bill.coarse(spent) };
      const seen = { part: input.part, durationSeconds, file: video };
      const found = await findMoments(seen, question, { model, fps, signal, retry });
      await input.confirmSeen();
      return found;
    },
    { signal },
  );
  bill.coarse(coarse, coarse.model);
  const dropped: DroppedMoment[] = [...coarse.dropped];
  const moments: DetectedMoment[] = [];
  for (const [index, found] of coarse.moments.entries()) {
    const firstAnswer = keptFirst(input, index, resumed);
    const refineOne = () => refine(found, input, { model, firstAnswer }, (spent) => bill.fine(index, spent));
    // with a single moment, the detection itself is the record that follows at once
    const refined =
      coarse.moments.length === 1
        ? await refineOne()
        : await record(state, names.fine(index), refineOne, { signal });
    bill.fine(index, refined);
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
  return { schemaVersion: 1, ...bill.total(), moments, dropped };
}

/** Cost so far of the questions about one video. */
class Bill {
  readonly #input: DetectInput;
  readonly #fine: Spent[] = [];
  #coarse: Spent = NOTHING_SPENT;
  #model: string;

  constructor(input: DetectInput) {
    this.#input = input;
    this.#model = input.config.gemini.model;
  }

  coarse(spent: Spent, model = this.#model): void {
    this.#coarse = spent;
    this.#model = model;
    this.#input.onSpent(this.total());
  }

  fine(index: number, spent: Spent): void {
    this.#fine[index] = spent;
    this.#input.onSpent(this.total());
  }

  total(): Spending {
    const { question, config } = this.#input;
    const fine = sumSpent(this.#fine.filter((spent) => spent !== undefined));
    const { tokens, asks } = sumSpent([this.#coarse, fine]);
    return {
      question: { moment: question.moment, maxMoments: question.maxMoments },
      model: { sdk: config.gemini.sdk, name: this.#model, asks },
      tokens: { ...tokens, coarse: this.#coarse.tokens, fine: fine.tokens },
    };
  }
}

/** A moment's first answer, as a record; it is read only if an earlier attempt may have written it. */
function keptFirst(
  { state, names, signal }: DetectInput,
  index: number,
  resumed: boolean,
): NonNullable<RefineOptions['firstAnswer']> {
  const name = names.fineFirst(index);
  return {
    read: async () => (resumed ? readRecord<FirstAnswer>(state, name, { signal }) : undefined),
    keep: (answer) => writeRecord(state, name, answer, { signal }),
  };
}

interface Refined extends Spent {
  chosenSeconds: number;
  decidedBy: 'stills' | 'coarse';
}

async function refine(
  found: FoundMoment,
  input: DetectInput,
  tools: Pick<RefineOptions, 'model' | 'firstAnswer'>,
  onSpent: (spent: Spent) => void,
): Promise<Refined> {
  if (input.config.refine.by === 'none') {
    return { chosenSeconds: found.seconds, decidedBy: 'coarse', ...NOTHING_SPENT };
  }
  const { windowSeconds, stills, requests } = input.config.refine;
  const { signal } = input;
  const refined = await refineMoment(input.video, found, input.question, {
    ...tools,
    windowSeconds,
    stillsPerWindow: stills,
    requests,
    signal,
    retry: { onSpent },
  });
  return { chosenSeconds: refined.time, decidedBy: refined.by, tokens: refined.tokens, asks: refined.asks };
}
