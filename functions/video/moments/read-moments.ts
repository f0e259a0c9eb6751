import { AppError } from '../../../shared/core/errors.ts';
import { describe } from '../../../shared/core/json-value.ts';
import { cleanText } from './clean-text.ts';
import { parseTimestamp } from './timestamp.ts';

/** A moment of the answer that was dropped, and why. */
export interface DroppedAnswer {
  timestamp: string;
  reason: string;
}

export interface ReadMoment {
  seconds: number;
  timestamp: string;
  confidence: number;
  description: string;
}

export interface ReadRules {
  /** Length of the video in seconds; undefined if unknown. */
  durationSeconds: number | undefined;
  /** Seconds between the frames that the model sampled. */
  step: number;
  maxMoments: number;
}

/**
 * Reads a model's answer by fixed rules. A time at most one step beyond the end counts as the end; a later or
 * unreadable one is dropped. Of several in the same second the most confident is kept. Returns the most confident
 * ones, in time order. Throws `malformed-answer` if nothing in the answer has the requested shape.
 */
export function readMoments(
  json: unknown,
  rules: ReadRules,
): { moments: ReadMoment[]; dropped: DroppedAnswer[] } {
  const entries = listOf(json);
  const dropped: DroppedAnswer[] = [];
  const read: ReadMoment[] = [];
  let readable = 0;
  for (const entry of entries) {
    const timestamp = shown(field(entry, 'timestamp'));
    const seconds = parseTimestamp(field(entry, 'timestamp'));
    if (seconds === undefined) {
      dropped.push({ timestamp, reason: 'not a time' });
      continue;
    }
    readable++;
    const placed = place(seconds, rules);
    if (placed === undefined) {
      dropped.push({ timestamp, reason: `beyond the end: the video is ${rules.durationSeconds} s long` });
      continue;
    }
    const description = field(entry, 'description');
    read.push({
      seconds: placed,
      timestamp,
      confidence: confidenceOf(field(entry, 'confidence')),
      description: typeof description === 'string' ? cleanText(description, 500) : '',
    });
  }
  if (entries.length > 0 && readable === 0) {
    throw malformed(`none of ${entries.length} moments has a time that can be read`, json);
  }
  if (field(json, 'found') === false) {
    for (const { timestamp } of read) dropped.push({ timestamp, reason: 'answered as not found' });
    return { moments: [], dropped };
  }
  return { moments: choose(read, rules.maxMoments, dropped), dropped };
}

/** A confidence clamped to [0, 1]; 0 if it is not a number. */
export function confidenceOf(value: unknown): number {
  const number = typeof value === 'string' ? Number.parseFloat(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) return 0;
  return Math.min(1, Math.max(0, number));
}

export function malformed(what: string, json: unknown): AppError {
  return new AppError('malformed-answer', `${what}; the answer is ${describe(json)}`, { found: json });
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function listOf(json: unknown): unknown[] {
  // a bare list, without the object around it, is accepted too
  if (Array.isArray(json)) return json;
  const moments = field(json, 'moments');
  if (Array.isArray(moments)) return moments;
  if (field(json, 'found') === false && (moments === undefined || moments === null)) return [];
  throw malformed('an object with a list of moments was asked for', json);
}

function place(seconds: number, { durationSeconds, step }: ReadRules): number | undefined {
  if (durationSeconds === undefined || seconds <= durationSeconds) return seconds;
  return seconds - durationSeconds <= step ? durationSeconds : undefined;
}

function choose(read: ReadMoment[], maxMoments: number, dropped: DroppedAnswer[]): ReadMoment[] {
  const bySecond = new Map<number, ReadMoment>();
  const kept: ReadMoment[] = [];
  for (const moment of [...read].sort(byConfidence)) {
    const same = bySecond.get(Math.floor(moment.seconds));
    if (same) {
      dropped.push({ timestamp: moment.timestamp, reason: `the same second as ${same.timestamp}` });
    } else if (kept.length >= maxMoments) {
      dropped.push({ timestamp: moment.timestamp, reason: `more than ${maxMoments} moments` });
    } else {
      bySecond.set(Math.floor(moment.seconds), moment);
      kept.push(moment);
    }
  }
  return kept.sort((a, b) => a.seconds - b.seconds);
}

function byConfidence(a: ReadMoment, b: ReadMoment): number {
  return b.confidence - a.confidence || a.seconds - b.seconds;
}

function shown(timestamp: unknown): string {
  const text = typeof timestamp === 'string' ? timestamp : (JSON.stringify(timestamp) ?? 'none');
  return cleanText(text, 40);
}
