import type { ProbedVideo } from './probe-video.ts';
import type { ColorWork } from './tone-map.ts';

/** A picture as displayed: upright, with square pixels. */
export interface Picture {
  width: number;
  height: number;
  hdr: boolean;
  /** HDR and wide-gamut pictures leave ffmpeg with 16 bits per channel and are converted to sRGB here. */
  work: ColorWork | undefined;
  /** ffmpeg's name of the matrix from the coded colours to RGB; undefined if they are RGB already. */
  matrix: 'bt601' | 'bt709' | 'bt2020' | 'smpte240m' | 'fcc' | undefined;
}

export interface OutputPlan {
  width: number;
  height: number;
  filters: string[];
  pixelFormat: 'rgb24' | 'rgb48le';
  frameBytes: number;
}

const MATRICES: Readonly<Record<string, Picture['matrix']>> = {
  bt709: 'bt709',
  smpte170m: 'bt601',
  bt470bg: 'bt601',
  smpte240m: 'smpte240m',
  fcc: 'fcc',
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
};

const HDR: Readonly<Record<string, ColorWork['transfer']>> = { smpte2084: 'pq', 'arib-std-b67': 'hlg' };

export function pictureOf(probed: ProbedVideo): Picture {
  const { width, height, pixelAspect, color } = probed;
  const transfer = HDR[color.transfer];
  const hdr = transfer !== undefined;
  // the primaries of an HDR file that does not name them
  const wide = color.primaries === 'bt2020' || (hdr && color.primaries === 'unknown');
  return {
    // stretched, never shrunk: no coded line is lost
    width: pixelAspect > 1 ? Math.round(width * pixelAspect) : width,
    height: pixelAspect < 1 ? Math.round(height / pixelAspect) : height,
    hdr,
    work: hdr || wide ? { transfer: transfer ?? 'sdr', wide } : undefined,
    matrix: color.rgb ? undefined : (MATRICES[color.matrix] ?? guessedMatrix(hdr, width, height)),
  };
}

/** Most files do not name their matrix; players then choose by size. */
function guessedMatrix(hdr: boolean, width: number, height: number): Picture['matrix'] {
  if (hdr) return 'bt2020';
  return Math.max(width, height) >= 1_280 || Math.min(width, height) >= 720 ? 'bt709' : 'bt601';
}

/** Filters that turn a decoded picture into packed RGB, at most `maxWidth` wide. */
export function outputOf(picture: Picture, maxWidth = Number.POSITIVE_INFINITY): OutputPlan {
  const scale = Math.min(1, Math.max(1, Math.floor(maxWidth)) / picture.width);
  const width = Math.round(picture.width * scale);
  const height = Math.max(1, Math.round(picture.height * scale));
  const matrix = picture.matrix ? `:in_color_matrix=${picture.matrix}` : '';
  const flags = 'bicubic+accurate_rnd+full_chroma_int+full_chroma_inp';
  return {
    width,
    height,
    filters: [`scale=${width}:${height}:flags=${flags}${matrix}`],
    pixelFormat: picture.work ? 'rgb48le' : 'rgb24',
    frameBytes: width * height * (picture.work ? 6 : 3),
  };
}
