import type { ProbedVideo } from './probe-video.ts';

/**
 * HDR to sRGB. `pixels` is packed 16-bit RGB (little endian) in PQ or HLG with BT.2020 or BT.709 primaries;
 * returns packed 8-bit RGB.
 */
export function toneMap(pixels: Uint8Array, color: ProbedVideo['color']): Uint8Array {
  const curve = mapping(color.transfer);
  const wide = color.primaries !== 'bt709';
  const samples = new Uint16Array(pixels.buffer, pixels.byteOffset, pixels.byteLength >> 1);
  const rgb = new Uint8Array(samples.length);
  for (let at = 0; at < samples.length; at += 3) {
    let red = curve.linear[samples[at]!]!;
    let green = curve.linear[samples[at + 1]!]!;
    let blue = curve.linear[samples[at + 2]!]!;
    // By the brightest channel, so that a colour keeps its hue.
    const peak = Math.max(red, green, blue);
    if (peak > 0) {
      const gain = curve.mapped[Math.min(STEPS, Math.round(Math.sqrt(peak / MAX_WHITE) * STEPS))]!;
      red *= gain;
      green *= gain;
      blue *= gain;
    }
    if (wide) {
      const r = 1.6605 * red - 0.5876 * green - 0.0728 * blue;
      const g = -0.1246 * red + 1.1329 * green - 0.0083 * blue;
      const b = -0.0182 * red - 0.1006 * green + 1.1187 * blue;
      red = r;
      green = g;
      blue = b;
    }
    rgb[at] = encode(red);
    rgb[at + 1] = encode(green);
    rgb[at + 2] = encode(blue);
  }
  return rgb;
}

/** Brightness of diffuse white, in nits: ITU-R BT.2408. */
const WHITE_NITS = 203;
/** The brightest PQ can say, in units of diffuse white. */
const MAX_WHITE = 10_000 / WHITE_NITS;
/** What is mapped to the brightest sRGB: content is mastered for 1,000 nits as a rule. */
const PEAK_WHITE = 1_000 / WHITE_NITS;
const STEPS = 4_096;

interface Curve {
  /** Linear light in units of diffuse white, by coded 16-bit value. */
  linear: Float32Array;
  /** Factor by the square root of the brightest channel. */
  mapped: Float32Array;
}

const curves = new Map<string, Curve>();

function mapping(transfer: string): Curve {
  let curve = curves.get(transfer);
  if (!curve) {
    const toLinear = transfer === 'arib-std-b67' ? hlg : pq;
    curve = {
      linear: Float32Array.from({ length: 65_536 }, (_, code) => toLinear(code / 65_535) / WHITE_NITS),
      mapped: Float32Array.from({ length: STEPS + 1 }, (_, step) => {
        const light = (step / STEPS) ** 2 * MAX_WHITE;
        return light === 0 ? 1 : compress(light) / light;
      }),
    };
    curves.set(transfer, curve);
  }
  return curve;
}

/** Nits, by SMPTE ST 2084. */
function pq(value: number): number {
  const power = value ** (1 / 78.84375);
  return 10_000 * (Math.max(0, power - 0.8359375) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125);
}

/** Nits on the 1,000 nit display of ITU-R BT.2100, its system gamma applied a channel. */
function hlg(value: number): number {
  const scene =
    value <= 0.5 ? value ** 2 / 3 : (Math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12;
  return 1_000 * scene ** 1.2;
}

/** Untouched up to the knee, then rolled off so that the peak meets 1 (a hyperbola with the same slope there). */
function compress(light: number): number {
  const knee = 0.6;
  if (light <= knee) return light;
  if (light >= PEAK_WHITE) return 1;
  const above = (light - knee) / (PEAK_WHITE - knee);
  const room = (1 - knee) / (PEAK_WHITE - knee);
  // f(0) = 0, f(1) = room, f'(0) = 1.
  const bend = (1 - room) / room;
  return knee + ((PEAK_WHITE - knee) * above) / (1 + bend * above);
}

const SRGB = Uint8Array.from({ length: 4_097 }, (_, step) => {
  const light = step / 4_096;
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
});

function encode(light: number): number {
  if (light >= 1) return 255;
  if (light <= 0) return 0;
  // The steep start of the curve needs more than 4,096 steps.
  if (light < 0.02) {
    return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
  }
  return SRGB[Math.round(light * 4_096)]!;
}
