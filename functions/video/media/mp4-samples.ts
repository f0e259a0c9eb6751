import { child, viewOf } from './box-tree.ts';

export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * Position in the file of the samples that a decoder needs to show a video track from one time to another: from the
 * keyframe before the first to some samples past the second. Times are seconds on the player's clock. Only a hint
 * of what to fetch in one read: ffmpeg finds its own way, so a wrong table costs bytes, never a wrong frame.
 * Undefined if the tables are missing, as in fragmented files, or inconsistent.
 */
export class SampleTable {
  /** Seconds by which a keyframe is decoded before its display, if frames are reordered. */
  readonly #lead: number;
  readonly #scale: number;
  readonly #mediaStart: number;
  readonly #timeToSample: DataView;
  readonly #sizes: DataView;
  readonly #runsOfChunks: DataView;
  readonly #chunks: DataView;
  readonly #longOffsets: boolean;
  readonly #keyframes: DataView | undefined;

  private constructor(tables: Tables) {
    this.#lead = tables.lead / tables.scale;
    this.#scale = tables.scale;
    this.#mediaStart = tables.mediaStart;
    this.#timeToSample = tables.stts;
    this.#sizes = tables.stsz;
    this.#runsOfChunks = tables.stsc;
    this.#chunks = tables.chunks;
    this.#longOffsets = tables.longOffsets;
    this.#keyframes = tables.stss;
  }

  /** From the body of a trak box. */
  static read(track: Uint8Array): SampleTable | undefined {
    const tables = readTables(track);
    return tables && new SampleTable(tables);
  }

  /** Total length of all samples, regardless of edits. */
  get seconds(): number {
    let ticks = 0;
    for (let entry = 0, entries = rowsOf(this.#timeToSample, 8); entry < entries; entry++) {
      ticks += this.#timeToSample.getUint32(8 + entry * 8) * this.#timeToSample.getUint32(12 + entry * 8);
    }
    return ticks / this.#scale;
  }

  /** `ahead`: samples past the last displayed one that are read before it is output. */
  range(from: number, to: number, ahead: number): ByteRange | undefined {
    const last = this.#count() - 1;
    if (last < 0) return undefined;
    const first = this.#keyframeAt(Math.min(last, this.#sampleAt(from - this.#lead)));
    const end = Math.min(last, this.#sampleAt(to) + ahead);
    const start = this.#offsetOf(first);
    const stop = this.#offsetOf(end);
    if (start === undefined || stop === undefined) return undefined;
    const length = stop + this.#sizeOf(end) - start;
    return length > 0 && Number.isSafeInteger(length) ? { offset: start, length } : undefined;
  }

  /** Maximum samples decoded for one frame: from a keyframe to just before the next. */
  longestGroup(): number {
    const samples = this.#count();
    if (!this.#keyframes) return Math.min(1, samples);
    let longest = 0;
    let start = 0;
    for (let row = 0, rows = rowsOf(this.#keyframes, 4); row < rows; row++) {
      const keyframe = Math.min(samples, this.#keyframes.getUint32(8 + row * 4) - 1);
      longest = Math.max(longest, keyframe - start);
      start = Math.max(start, keyframe);
    }
    return Math.max(longest, samples - start);
  }

  /** The last sample decoded at or before this time, counted from 0. */
  #sampleAt(seconds: number): number {
    const ticks = seconds * this.#scale + this.#mediaStart;
    const entries = rowsOf(this.#timeToSample, 8);
    let sample = 0;
    let time = 0;
    for (let entry = 0; entry < entries; entry++) {
      const count = this.#timeToSample.getUint32(8 + entry * 8);
      const delta = this.#timeToSample.getUint32(12 + entry * 8);
      if (time + count * delta > ticks) return sample + Math.max(0, Math.floor((ticks - time) / delta));
      sample += count;
      time += count * delta;
    }
    return Math.max(0, sample - 1);
  }

  #keyframeAt(sample: number): number {
    if (!this.#keyframes) return sample;
    let low = 0;
    let high = rowsOf(this.#keyframes, 4);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#keyframes.getUint32(8 + middle * 4) - 1 <= sample) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#keyframes.getUint32(8 + (low - 1) * 4) - 1;
  }

  #count(): number {
    const stated = this.#sizes.getUint32(8);
    if (this.#sizes.getUint32(4) !== 0) return stated;
    return Math.min(stated, Math.floor((this.#sizes.byteLength - 12) / 4));
  }

  #sizeOf(sample: number): number {
    return this.#sizes.getUint32(4) || this.#sizes.getUint32(12 + sample * 4);
  }

  #offsetOf(sample: number): number | undefined {
    const runs = rowsOf(this.#runsOfChunks, 12);
    const chunks = rowsOf(this.#chunks, this.#longOffsets ? 8 : 4);
    let before = 0;
    for (let run = 0; run < runs; run++) {
      const firstChunk = this.#runsOfChunks.getUint32(8 + run * 12);
      const perChunk = this.#runsOfChunks.getUint32(12 + run * 12);
      const nextChunk = run + 1 < runs ? this.#runsOfChunks.getUint32(20 + run * 12) : chunks + 1;
      const samples = (nextChunk - firstChunk) * perChunk;
      if (perChunk === 0 || samples < 0) return undefined;
      if (sample < before + samples) {
        const chunk = firstChunk - 1 + Math.floor((sample - before) / perChunk);
        if (chunk < 0 || chunk >= chunks) return undefined;
        let offset = this.#longOffsets
          ? Number(this.#chunks.getBigUint64(8 + chunk * 8))
          : this.#chunks.getUint32(8 + chunk * 4);
        const firstOfChunk = sample - ((sample - before) % perChunk);
        const size = this.#sizes.getUint32(4);
        if (size > 0) return offset + size * (sample - firstOfChunk);
        for (let one = firstOfChunk; one < sample; one++) offset += this.#sizeOf(one);
        return offset;
      }
      before += samples;
    }
    return undefined;
  }
}

interface Tables {
  scale: number;
  mediaStart: number;
  lead: number;
  stts: DataView;
  stsz: DataView;
  stsc: DataView;
  chunks: DataView;
  longOffsets: boolean;
  stss: DataView | undefined;
}

function readTables(track: Uint8Array): Tables | undefined {
  const header = child(track, 'mdia', 'mdhd');
  const table = child(track, 'mdia', 'minf', 'stbl');
  if (!header || header.length < 24 || !table) return undefined;
  const view = (type: string, least = 8): DataView | undefined => {
    const body = child(table, type);
    return body && body.length >= least ? viewOf(body) : undefined;
  };
  const [stts, stsz, stsc, stco, co64] = [
    view('stts'),
    view('stsz', 12),
    view('stsc'),
    view('stco'),
    view('co64'),
  ];
  const chunks = stco ?? co64;
  const scale = viewOf(header).getUint32(header[0] === 1 ? 20 : 12);
  if (!stts || !stsz || !stsc || !chunks || scale === 0) return undefined;
  const mediaStart = firstMediaTime(child(track, 'edts', 'elst'));
  // the first sample is a keyframe; the others are usually as far ahead
  const lead = Math.max(0, view('ctts', 16)?.getInt32(12) ?? 0);
  return { scale, mediaStart, lead, stts, stsz, stsc, chunks, longOffsets: !stco, stss: view('stss') };
}

/** Media time at which the first non-empty edit starts. */
function firstMediaTime(body: Uint8Array | undefined): number {
  if (!body || body.length < 8) return 0;
  const view = viewOf(body);
  const long = body[0] === 1;
  const entry = long ? 20 : 12;
  for (let at = 8; at + entry <= body.length; at += entry) {
    const time = long ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4);
    if (time >= 0) return time;
  }
  return 0;
}

/** Rows that a table really has, whatever it claims. */
function rowsOf(table: DataView, rowBytes: number): number {
  return Math.min(table.getUint32(4), Math.floor((table.byteLength - 8) / rowBytes));
}
