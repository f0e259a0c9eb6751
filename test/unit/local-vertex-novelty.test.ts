import { describe, expect, it } from 'vitest';
import { difference, findPeaks, mostNovel } from '../../local/vertex/novelty.ts';

const PIXELS = 256;

/** A grey picture with a bright box over the first `box` pixels. */
function picture(grey: number, box = 0): Uint8Array {
  return Uint8Array.from({ length: PIXELS }, (_, i) => (i < box ? 250 : grey));
}

function clip(length: number, at: (index: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length }, (_, index) => at(index));
}

const OPTIONS = { minGap: 2, limit: 5 };
const indexes = (pictures: Uint8Array[], options = OPTIONS): number[] =>
  findPeaks(pictures, options).map(({ index }) => index);

describe('difference', () => {
  it('a small thing that appears counts in full', () => {
    expect(difference(picture(50), picture(50, PIXELS / 16))).toBe(200);
    expect(difference(picture(50), picture(50, PIXELS / 32))).toBe(100);
  });

  it('equal pictures do not differ', () => {
    expect(difference(picture(50, 9), picture(50, 9))).toBe(0);
  });
});

describe('the novel moments of a clip', () => {
  it('something that appears for a while: when it appears, not when it goes', () => {
    expect(indexes(clip(20, (i) => picture(60, i >= 7 && i < 12 ? 40 : 0)))).toEqual([7]);
  });

  it('something that stays, early or late', () => {
    expect(indexes(clip(20, (i) => picture(60, i >= 2 ? 40 : 0)))).toEqual([2]);
    expect(indexes(clip(20, (i) => picture(60, i >= 10 ? 40 : 0)))).toEqual([10]);
    expect(indexes(clip(20, (i) => picture(60, i >= 18 ? 40 : 0)))).toEqual([18]);
  });

  it('a single sample of it', () => {
    expect(indexes(clip(20, (i) => picture(60, i === 13 ? 40 : 0)))).toEqual([13]);
  });

  it('two of them, the greater one first', () => {
    const grey = (i: number): number => (i === 5 ? 120 : i === 15 ? 140 : 60);
    expect(indexes(clip(20, (i) => picture(grey(i))))).toEqual([15, 5]);
  });

  it('no more than requested', () => {
    const pictures = clip(40, (i) => picture(60, i % 10 === 5 ? 40 : 0));
    expect(indexes(pictures, { minGap: 2, limit: 2 })).toEqual([5, 15]);
  });

  it('a flicker over several samples is one moment', () => {
    const pictures = clip(20, (i) => picture(60, i === 8 || i === 10 ? 40 : 0));
    expect(indexes(pictures, { minGap: 3, limit: 5 })).toEqual([8]);
  });

  it('nothing in a still clip, codec noise included', () => {
    expect(indexes(clip(20, () => picture(60)))).toEqual([]);
    expect(indexes(clip(20, (i) => picture(60 + (i % 3) * 2)))).toEqual([]);
  });

  it('steady movement is not new; an interruption is', () => {
    expect(indexes(clip(20, (i) => picture(40 + i * 10)))).toEqual([]);
    expect(indexes(clip(20, (i) => picture(20 + i * 10 + (i >= 9 ? 40 : 0))))).toEqual([9]);
  });

  it('a cut between two pictures', () => {
    expect(indexes([picture(20), picture(200)])).toEqual([1]);
  });

  it('a single picture, or none, has nothing new', () => {
    expect(indexes([picture(20)])).toEqual([]);
    expect(indexes([])).toEqual([]);
  });

  it('confidence grows with the change and stays below 1', () => {
    const of = (box: number): number =>
      findPeaks(
        clip(9, (i) => picture(60, i >= 4 ? box : 0)),
        OPTIONS,
      )[0]?.confidence ?? 0;
    expect(of(2)).toBeGreaterThan(0.5);
    expect(of(16)).toBeGreaterThan(of(2));
    expect(of(PIXELS)).toBeLessThan(1);
  });
});

describe('the most novel still', () => {
  it('is the first that shows it', () => {
    expect(mostNovel(clip(8, (i) => picture(60, i >= 3 ? 40 : 0)))?.index).toBe(3);
    expect(mostNovel(clip(8, (i) => picture(60, i >= 6 ? 40 : 0)))?.index).toBe(6);
  });

  it('is where it appears, not where it disappears, even if most stills show it', () => {
    expect(mostNovel(clip(12, (i) => picture(60, i >= 2 && i < 10 ? 40 : 0)))?.index).toBe(2);
  });

  it('is none if all are alike, and the only one if there is one', () => {
    expect(mostNovel(clip(8, () => picture(60)))).toBeUndefined();
    expect(mostNovel([picture(60)])?.index).toBe(0);
  });
});
