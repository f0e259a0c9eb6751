/** Small greyscale pictures of one size, in time order. */
export type Thumbnails = readonly Uint8Array[];

export interface Novelty {
  /** Difference from the previous picture, 0 to 255; 0 for the first. */
  fromPrevious: number[];
  /** Difference from the typical picture. */
  fromTypical: number[];
  /** Ranking scores: a change away from the usual counts more than a return to it. */
  scores: number[];
}

export interface Peak {
  index: number;
  score: number;
  /** In [0.5, 1). */
  confidence: number;
}

/** Grey levels below which a difference is codec noise. */
const NOISE = 8;

export function novelty(pictures: Thumbnails, typical = typicalPicture(pictures)): Novelty {
  const fromTypical = pictures.map((picture) => difference(picture, typical));
  const fromPrevious = pictures.map((picture, i) => {
    const before = pictures[i - 1];
    return before ? difference(picture, before) : 0;
  });
  const scores = fromPrevious.map((change, i) => change + (fromTypical[i] ?? 0) / 2);
  return { fromPrevious, fromTypical, scores };
}

/**
 * Positions where something new begins: changes well above this clip's usual ones, strongest first, none within
 * `minGap` pictures of a stronger one, none under 0.7 of the strongest.
 */
export function findPeaks(pictures: Thumbnails, options: { minGap: number; limit: number }): Peak[] {
  const { fromPrevious, scores } = novelty(pictures);
  const changes = fromPrevious.slice(1);
  // with too few changes none counts as usual
  const enough = changes.length >= 4;
  // lower quartile: in a clip of a few seconds, an appearance and a disappearance are half of all changes
  const usual = enough ? quantile(changes, 0.25) : 0;
  const deviations = changes.map((change) => Math.abs(change - usual));
  const spread = enough ? quantile(deviations, 0.5) : 0;
  const threshold = Math.max(NOISE, usual + Math.max(NOISE / 2, 4 * spread));

  const candidates = scores
    .map((score, index) => ({ index, score, change: fromPrevious[index] ?? 0 }))
    .filter(({ change }) => change >= threshold)
    .sort((a, b) => b.score - a.score || a.index - b.index);
  const strongest = candidates[0]?.score ?? 0;
  const peaks: Peak[] = [];
  for (const { index, score } of candidates) {
    if (peaks.length >= options.limit || score < 0.7 * strongest) break;
    if (peaks.some((peak) => Math.abs(peak.index - index) < options.minGap)) continue;
    peaks.push({ index, score, confidence: confidenceOf(score) });
  }
  return peaks;
}

/**
 * The one picture that shows something new; undefined if they are all alike. A single picture is always chosen. New
 * is what the first does not show: stills are taken around a moment, which may fill most of them.
 */
export function mostNovel(pictures: Thumbnails): Peak | undefined {
  if (pictures.length === 1) return { index: 0, score: 0, confidence: 0.5 };
  const { fromPrevious, scores } = novelty(pictures, pictures[0]);
  let best: Peak | undefined;
  scores.forEach((score, index) => {
    if ((fromPrevious[index] ?? 0) < NOISE || score <= (best?.score ?? 0)) return;
    best = { index, score, confidence: confidenceOf(score) };
  });
  return best;
}

/**
 * Mean of the largest sixteenth of the pixel differences: a small object that appears counts in full, while a mean
 * over the whole picture would dilute it.
 */
export function difference(a: Uint8Array, b: Uint8Array): number {
  const histogram = new Uint32Array(256);
  for (let i = 0; i < a.length; i++) {
    const level = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    histogram[level] = (histogram[level] ?? 0) + 1;
  }
  const wanted = Math.max(1, Math.floor(a.length / 16));
  let taken = 0;
  let sum = 0;
  for (let level = 255; level >= 0 && taken < wanted; level--) {
    const here = Math.min(histogram[level] ?? 0, wanted - taken);
    taken += here;
    sum += here * level;
  }
  return sum / wanted;
}

/** Median of each pixel over at most 201 pictures spread over the clip. */
function typicalPicture(pictures: Thumbnails): Uint8Array {
  const first = pictures[0];
  if (!first) return new Uint8Array(0);
  const step = Math.max(1, pictures.length / 201);
  const chosen: Uint8Array[] = [];
  for (let at = 0; at < pictures.length; at += step) chosen.push(pictures[Math.floor(at)] ?? first);
  const values = new Uint8Array(chosen.length);
  return first.map((_, pixel) => {
    for (let i = 0; i < chosen.length; i++) values[i] = chosen[i]?.[pixel] ?? 0;
    return values.sort()[values.length >> 1] ?? 0;
  });
}

function confidenceOf(score: number): number {
  return Math.round((0.99 - 0.49 * Math.exp(-(score - NOISE) / 40)) * 100) / 100;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
}
