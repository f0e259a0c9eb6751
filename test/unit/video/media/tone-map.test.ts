import { expect, test } from 'vitest';
import { toneMap } from '../../../../functions/video/media/tone-map.ts';

/** One pixel with the given coded fractions. */
function pixel(...coded: [number, number, number]): Uint8Array {
  return new Uint8Array(Uint16Array.from(coded, (value) => Math.round(value * 65_535)).buffer);
}

// PQ codes by SMPTE ST 2084: 203 nits is 0.5807, 1,000 nits 0.7518, 100 nits 0.5081, 1 nit 0.1499.
test.each([
  ['black stays black', 0, 0],
  // 100 / 203 = 0.4926 of diffuse white is below the knee: sRGB of it is 186.
  ['100 nits are kept as they are', 0.5081, 186],
  // 1 / 203 = 0.004926: 1.055 * 0.004926 ** (1 / 2.4) - 0.055 = 0.0602.
  ['1 nit is kept as it is', 0.1499, 15],
  ['1,000 nits are white', 0.7518, 255],
  ['10,000 nits are white too', 1, 255],
])('PQ grey: %s', (_, coded, level) => {
  const [red, green, blue] = toneMap(pixel(coded, coded, coded), { transfer: 'pq', wide: true });
  for (const channel of [red, green, blue]) expect(Math.abs(channel! - level)).toBeLessThanOrEqual(1);
});

test('PQ: brighter stays brighter all the way to the peak', () => {
  const levels = Array.from(
    { length: 75 },
    (_, step) => toneMap(pixel(step / 100, step / 100, step / 100), { transfer: 'pq', wide: false })[0]!,
  );
  expect(levels).toEqual([...levels].sort((a, b) => a - b));
  // Diffuse white is bright, yet leaves room for highlights.
  expect(levels[58]).toBeGreaterThan(220);
  expect(levels[58]).toBeLessThan(240);
});

test('HLG: black, the peak, and diffuse white at 75 % as PQ shows 203 nits', () => {
  const work = { transfer: 'hlg', wide: true } as const;
  expect([...toneMap(pixel(0, 0, 0), work)]).toEqual([0, 0, 0]);
  for (const channel of toneMap(pixel(1, 1, 1), work)) expect(channel).toBeGreaterThanOrEqual(254);
  const [hlgWhite] = toneMap(pixel(0.75, 0.75, 0.75), work);
  const [pqWhite] = toneMap(pixel(0.5807, 0.5807, 0.5807), { transfer: 'pq', wide: true });
  expect(Math.abs(hlgWhite! - pqWhite!)).toBeLessThanOrEqual(2);
});

test('wide gamut: the red of sRGB, coded in BT.2020 primaries, comes back as the red of sRGB', () => {
  // ITU-R BT.2087: linear BT.709 red is (0.6274, 0.0691, 0.0164) in BT.2020.
  const coded = [0.6274, 0.0691, 0.0164].map((light) => 1.055 * light ** (1 / 2.4) - 0.055);
  const rgb = toneMap(pixel(coded[0]!, coded[1]!, coded[2]!), { transfer: 'sdr', wide: true });
  expect(rgb[0]).toBeGreaterThanOrEqual(254);
  expect(rgb[1]).toBeLessThanOrEqual(4);
  expect(rgb[2]).toBeLessThanOrEqual(4);
});
