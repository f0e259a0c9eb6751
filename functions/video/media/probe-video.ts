import type { TimeBase } from './frame-clock.ts';

/** ffmpeg's facts about a file and its first frame. */
export interface ProbedVideo {
  codec: string;
  /** The first displayed frame: its timestamp, and its pixels after rotation. */
  firstPts: number;
  timeBase: TimeBase;
  width: number;
  height: number;
  /** Width of one pixel over its height, after rotation. */
  pixelAspect: number;
  rotation: number;
  /** True if its matrix rotates by no multiple of 90 degrees: players then show it as coded. */
  skewed: boolean;
  frameRate: number | undefined;
  /** Duration of the container, or of the stream if it has a tag for it. */
  durationSeconds: number | undefined;
  hasAudio: boolean;
  /** ffmpeg's name of the decoded picture's format; empty if it did not say. */
  pixelFormat: string;
  color: { matrix: string; primaries: string; transfer: string; rgb: boolean };
}

interface ProbedStream {
  kind: string;
  text: string;
  rotation: number;
  skewed?: boolean;
  duration?: number;
}

const KEPT_LINES = 40;
/** A line of showinfo; its first words may follow a remark about an odd rotation, which lacks a line break. */
const SHOWN = /^(\[Parsed_showinfo|If you want to help, upload .*\)config in time_base)/;

/** Reads ffmpeg's log line by line. Keeps only lines that it needs, whatever the file makes ffmpeg print. */
export class ProbeLog {
  /** The last lines, for messages. */
  readonly tail: string[] = [];
  #streams = new Map<string, ProbedStream>();
  #stream: ProbedStream | undefined;
  #mapped: string | undefined;
  #inputEnded = false;
  #duration: number | undefined;
  #base: TimeBase | undefined;
  #frameRate: number | undefined;
  #first:
    | { pts: number; width: number; height: number; pixelAspect: number; pixelFormat: string }
    | undefined;
  #shownColor: string | undefined;

  /** `enough` once the first frame has been described: anything further would be read from storage in vain. */
  line(line: string): undefined | 'enough' {
    this.tail.push(line);
    if (this.tail.length > KEPT_LINES) this.tail.shift();
    if (/^(Stream mapping|Output #)/.test(line)) this.#inputEnded = true;
    if (SHOWN.test(line)) this.#shown(line);
    else if (!this.#inputEnded) this.#described(line);
    else this.#mapped ??= /^ {2}Stream #0:(\d+) -> #0:0/.exec(line)?.[1];
    return this.#first && this.#shownColor !== undefined ? 'enough' : undefined;
  }

  /** Undefined if no frame was shown. */
  result(): ProbedVideo | undefined {
    const stream = this.#streams.get(this.#mapped ?? '');
    if (!stream || !this.#first || !this.#base) return undefined;
    const codec = /^([^\s,]+)/.exec(stream.text)?.[1] ?? 'unknown';
    const fps = Number(/, ([\d.]+) fps/.exec(stream.text)?.[1]);
    return {
      codec,
      firstPts: this.#first.pts,
      timeBase: this.#base,
      width: this.#first.width,
      height: this.#first.height,
      pixelAspect: this.#first.pixelAspect,
      rotation: stream.rotation,
      skewed: stream.skewed ?? false,
      frameRate: this.#frameRate ?? (fps > 0 ? fps : undefined),
      durationSeconds: stream.duration ?? this.#duration,
      hasAudio: [...this.#streams.values()].some((one) => one.kind === 'Audio'),
      pixelFormat: this.#first.pixelFormat,
      color: colorOf(stream.text, this.#shownColor),
    };
  }

  /** The coded size that the container states, if no frame could be decoded. */
  get announced(): { codec: string; width: number; height: number } | undefined {
    for (const { kind, text } of this.#streams.values()) {
      const [, width, height] = /, (\d{1,5})x(\d{1,5})\b/.exec(text) ?? [];
      if (kind === 'Video' && !text.includes('(attached pic)')) {
        return {
          // an unknown codec is `none (zzzz / 0x…)`
          codec: /^(?:none \()?([^\s,()]+)/.exec(text)?.[1] ?? 'unknown',
          width: Number(width),
          height: Number(height),
        };
      }
    }
    return undefined;
  }

  get streamKinds(): string[] {
    return [...this.#streams.values()].map((stream) => stream.kind.toLowerCase());
  }

  #described(line: string): void {
    const [, index, kind, text] = /^ {2,4}Stream #0:(\d+)[^:]*: (\w+): (.*)$/.exec(line) ?? [];
    if (index !== undefined && kind && text !== undefined) {
      this.#stream = { kind, text, rotation: 0 };
      this.#streams.set(index, this.#stream);
      return;
    }
    const whole = /^ {2}Duration: (\d+):(\d\d):(\d\d\.\d+)/.exec(line);
    if (whole) this.#duration = clockSeconds(whole);
    if (!this.#stream) return;
    const turned = /^ +(?:displaymatrix|Display Matrix): rotation of (-?[\d.]+) degrees/.exec(line);
    if (turned) Object.assign(this.#stream, turnOf(Number(turned[1])));
    const own = /^ {4,6}DURATION *: (\d+):(\d\d):(\d\d\.\d+)/.exec(line);
    if (own) this.#stream.duration = clockSeconds(own);
  }

  #shown(line: string): void {
    const [, num, den, rateNum, rateDen] =
      /config in time_base: (\d+)\/(\d+), frame_rate: (\d+)\/(\d+)/.exec(line) ?? [];
    if (num && den) {
      this.#base ??= { num: Number(num), den: Number(den) };
      if (Number(rateNum) > 0 && Number(rateDen) > 0) this.#frameRate ??= Number(rateNum) / Number(rateDen);
    }
    this.#shownColor ??= /color_space:.*$/.exec(line)?.[0];
    const [, pts, sarNum, sarDen, width, height] =
      / n: *\d+ pts: *(-?\d+) .* sar:(\d+)\/(\d+) s:(\d+)x(\d+) /.exec(line) ?? [];
    if (pts === undefined) return;
    const aspect = Number(sarNum) / Number(sarDen);
    this.#first ??= {
      pts: Number(pts),
      width: Number(width),
      height: Number(height),
      pixelAspect: aspect > 0 && Number.isFinite(aspect) ? aspect : 1,
      pixelFormat: / fmt:(\w+) /.exec(line)?.[1] ?? '',
    };
  }
}

export interface ShownFrame {
  pts: number;
  /** True if it was decoded without reference to other frames. */
  intra: boolean;
}

/** Parses showinfo's line about a frame; undefined for every other line. */
export function shownFrame(line: string): ShownFrame | undefined {
  const found = /^\[Parsed_showinfo\S* @ \S+ n: *\d+ pts: *(-?\d+) /.exec(line)?.[1];
  return found === undefined ? undefined : { pts: Number(found), intra: / (iskey:1|type:I) /.test(line) };
}

function clockSeconds([, hours, minutes, seconds]: RegExpExecArray): number {
  return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

/** ffmpeg logs the degrees by which the coded picture was rotated counter-clockwise. */
function turnOf(logged: number): { rotation: number; skewed: boolean } {
  const quarters = Math.round(-logged / 90);
  const skewed = Math.abs(-logged - quarters * 90) > 1;
  return { rotation: skewed ? 0 : (((quarters * 90) % 360) + 360) % 360, skewed };
}

/**
 * Colour as `yuv420p10le(tv, bt2020nc/bt2020/smpte2084)` in the stream's line, or `yuv420p(tv, bt709)` if matrix,
 * primaries and transfer are the same; newer versions know it from the frame too.
 */
function colorOf(streamText: string, shown: string | undefined): ProbedVideo['color'] {
  const [, pixels = '', notes = ''] = /, (\w+)(?:\(([^)]*)\))?/.exec(streamText) ?? [];
  const named = notes
    .split(', ')
    .find(
      (note) => note !== 'tv' && note !== 'pc' && /^[\w-]+(\/[\w-]+)*$/.test(note) && !NO_COLOR.has(note),
    );
  const parts = named?.split('/') ?? [];
  const read = (index: number, field: string): string => {
    const fromFrame = new RegExp(`${field}:(\\S+)`).exec(shown ?? '')?.[1];
    if (fromFrame && fromFrame !== 'unknown') return fromFrame;
    return parts[index] ?? parts[0] ?? 'unknown';
  };
  return {
    matrix: read(0, 'color_space'),
    primaries: read(1, 'color_primaries'),
    transfer: read(2, 'color_trc'),
    rgb: /^(rgb|bgr|gbr|argb|abgr|0rgb|pal8)/.test(pixels),
  };
}

const NO_COLOR = new Set(['progressive', 'top', 'bottom', 'left', 'center', 'topleft']);
