/** Conversions that decoded RGB needs to become sRGB. */
export interface ColorWork {
  /** `pq` and `hlg` are HDR; `sdr` is coded like sRGB already. */
  transfer: 'pq' | 'hlg' | 'sdr';
  /** True for BT.2020 primaries, which are converted to those of sRGB. */
  wide: boolean;
}

/**
 * HDR or wide-gamut RGB to sRGB: `pixels` is packed 16-bit RGB, little endian; returns packed 8-bit RGB. Done
 * here and not by ffmpeg's zscale and tonemap, which not every build has, so that a video looks the same with
 * all of them.
 */
export function toneMap(pixels: Uint8Array, work: ColorWork): Uint8Array {
  const samples = new Uint16Array(pixels.buffer, pixels.byteOffset, pixels.byteLength >> 1);
  const rgb = new Uint8Array(samples.length);
  const { linear, gain } = curveOf(work.transfer);
  for (let at = 0; at < samples.length; at += 3) {
    let red = linear[samples[at]!]!;
    let green = linear[samples[at + 1]!]!;
    let blue = linear[samples[at + 2]!]!;
    if (gain) {
      const factor = gain(red, green, blue);
      red *= factor;
      green *= factor;
      blue *= factor;
    }
    if (work.wide) {
      // ITU-R BT.2087, inverted
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
const WHITE = 203;
/** Brightness that maps to the brightest sRGB: HLG's nominal display, and the usual mastering level of PQ. */
const PEAK = 1_000 / WHITE;
/** Steps of tables over brightness, taken at its square root: the eye and the curves are finest in the dark. */
const STEPS = 8_192;

interface Curve {
  /** Light by coded 16-bit value; 1 is diffuse white, but for HLG the brightest of the scene. */
  linear: Float32Array;
  /** One factor for all three channels, so that colours keep their hue. */
  gain?: (red: number, green: number, blue: number) => number;
}

const curves = new Map<ColorWork['transfer'], Curve>();

function curveOf(transfer: ColorWork['transfer']): Curve {
  const known = curves.get(transfer);
  if (known) return known;
  const curve = { pq: makePq, hlg: makeHlg, sdr: makeSdr }[transfer]();
  curves.set(transfer, curve);
  return curve;
}

function tableOf(light: (coded: number) => number): Float32Array {
  return Float32Array.from({ length: 65_536 }, (_, code) => light(code / 65_535));
}

/** A function of brightness up to `top`, as a table. */
function byRoot(top: number, value: (light: number) => number): (light: number) => number {
  const table = Float32Array.from({ length: STEPS + 1 }, (_, step) => value((step / STEPS) ** 2 * top));
  return (light) => table[Math.min(STEPS, Math.round(Math.sqrt(light / top) * STEPS))]!;
}

/** SMPTE ST 2084. */
function makePq(): Curve {
  const squeeze = byRoot(10_000 / WHITE, squeezed);
  return {
    linear: tableOf((coded) => {
      const power = coded ** (1 / 78.84375);
      const ratio = Math.max(0, power - 0.8359375) / (18.8515625 - 18.6875 * power);
      return (10_000 / WHITE) * ratio ** (1 / 0.1593017578125);
    }),
    gain: (red, green, blue) => squeeze(Math.max(red, green, blue)),
  };
}

/** ITU-R BT.2100, with the system gamma of a display of 1,000 nits. */
function makeHlg(): Curve {
  const display = byRoot(1, (luminance) => PEAK * luminance ** 0.2);
  const squeeze = byRoot(PEAK, squeezed);
  return {
    linear: tableOf((coded) =>
      coded <= 0.5 ? coded ** 2 / 3 : (Math.exp((coded - 0.55991073) / 0.17883277) + 0.28466892) / 12,
    ),
    gain(red, green, blue) {
      const factor = display(0.2627 * red + 0.678 * green + 0.0593 * blue);
      return factor * squeeze(Math.min(PEAK, factor * Math.max(red, green, blue)));
    },
  };
}

function makeSdr(): Curve {
  return {
    linear: tableOf((coded) => (coded <= 0.04045 ? coded / 12.92 : ((coded + 0.055) / 1.055) ** 2.4)),
  };
}

/**
 * The factor that brings a brightness into [0, 1]: 1 up to the knee, then a hyperbola that leaves it at the same
 * slope and meets 1 at the peak.
 */
function squeezed(light: number): number {
  const knee = 0.6;
  if (light <= knee) return 1;
  if (light >= PEAK) return 1 / light;
  const room = (1 - knee) / (PEAK - knee);
  const above = (light - knee) / (PEAK - knee);
  const bend = (1 - room) / room;
  return (knee + ((PEAK - knee) * above) / (1 + bend * above)) / light;
}

const toSrgb = byRoot(1, (light) =>
  Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055)),
);

function encode(light: number): number {
  return light >= 1 ? 255 : light <= 0 ? 0 : toSrgb(light);
}
