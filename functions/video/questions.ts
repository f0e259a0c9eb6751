import { counted } from '../../shared/core/counted.ts';
import { AppError } from '../../shared/core/errors.ts';
import { describe } from '../../shared/core/json-value.ts';
import type { ObjectFacts } from '../../shared/storage/object-store.ts';
import { formText, type ImageForm, parseImageForm } from './image-forms.ts';
import { countCharacters } from './moments/clean-text.ts';
import type { VideoConfig } from './settings.ts';

export interface Question {
  moment: string;
  maxMoments: number;
  contactSheet: false | ImageForm;
  /** Forms of each frame; the first is the frame itself, the others are copies. */
  formats: readonly [ImageForm, ...ImageForm[]];
  /** Whether each moment also gets an animation. */
  preview: boolean;
  /** Length of the clip around each moment; 0 for none. */
  clipSeconds: number;
}

type Metadata = Readonly<Record<string, string>>;

const FURTHER = /^moment-[2-9]$/;
const MAX_MOMENT_CHARACTERS = 1_000;
/** Maximum total size of custom metadata: also bounds a character with a thousand combining marks. */
const MAX_MOMENT_BYTES = 8_192;

/**
 * The question of this upload: its metadata `moment`, `max-moments` and `contact-sheet`, else configuration. The
 * operator's settings are limits: metadata may ask for less. More is refused, not reduced, because an answer with
 * fewer moments than requested would look like a video that shows fewer.
 */
export function questionOf(metadata: Metadata, config: VideoConfig): Question {
  return {
    moment: checkedMoment(metadata['moment']?.trim() || config.moment),
    maxMoments: momentsAsked(metadata['max-moments'], config.maxMoments),
    contactSheet: sheetAsked(metadata['contact-sheet'], config),
    formats: formatsAsked(metadata['formats'], config.frame),
    preview: previewAsked(metadata['preview'], config.preview),
    clipSeconds: clipAsked(metadata['clip'], config.clipSeconds),
  };
}

/**
 * Every question of an upload, without repetitions: `moment`, and `moment-2` up to `moment-9`, which share the other
 * keys. The first one is the upload's own. Throws `invalid-metadata` for more than the operator allows.
 */
export function questionsOf({ metadata }: ObjectFacts, config: VideoConfig): [Question, ...Question[]] {
  const first = questionOf(metadata, config);
  const further = Object.keys(metadata)
    .filter((key) => FURTHER.test(key) && metadata[key]?.trim())
    .sort()
    .map((key): Question => ({ ...first, moment: checkedMoment(metadata[key]!.trim()) }));
  const all = new Map([first, ...further].map((question) => [question.moment, question]));
  if (all.size > config.maxQuestions) {
    throw new AppError(
      'invalid-metadata',
      `an upload must ask at most ${counted(config.maxQuestions, 'question')} (MAX_QUESTIONS), got ${all.size}`,
    );
  }
  all.delete(first.moment);
  return [first, ...all.values()];
}

function checkedMoment(moment: string): string {
  const characters = countCharacters(moment);
  if (characters > MAX_MOMENT_CHARACTERS) {
    throw new AppError(
      'invalid-metadata',
      `moment must have at most ${MAX_MOMENT_CHARACTERS} characters, got ${characters}`,
    );
  }
  const bytes = Buffer.byteLength(moment);
  if (bytes > MAX_MOMENT_BYTES) {
    throw new AppError(
      'invalid-metadata',
      `moment must have at most ${MAX_MOMENT_BYTES} bytes, got ${bytes}`,
    );
  }
  return moment;
}

function momentsAsked(asked: string | undefined, bound: number): number {
  if (asked === undefined) return bound;
  if (!/^[1-9][0-9]{0,8}$/.test(asked)) {
    throw new AppError('invalid-metadata', `max-moments must be 1 to ${bound}, got ${describe(asked)}`, {
      found: asked,
    });
  }
  if (Number(asked) > bound) {
    throw new AppError(
      'invalid-metadata',
      `max-moments must be at most ${bound} (MAX_MOMENTS), got ${asked}`,
    );
  }
  return Number(asked);
}

const MAX_FORMS = 4;
const MIN_WIDTH = 16;
const MAX_WIDTH = 16_384;

function formatsAsked(asked: string | undefined, usual: VideoConfig['frame']): Question['formats'] {
  const limit = usual.width ?? MAX_WIDTH;
  const words = asked?.split(',').map((word) => word.trim()) ?? [];
  if (words.length > MAX_FORMS) {
    throw new AppError('invalid-metadata', `formats must be at most ${MAX_FORMS}, got ${words.length}`);
  }
  const forms = words.map((word) => {
    const form = parseImageForm(word);
    if (!form) {
      const allowed = 'formats must be png, jpeg, webp or avif, each with an optional width such as webp@320';
      throw new AppError('invalid-metadata', `${allowed}, got ${describe(word)}`, { found: word });
    }
    if (form.width !== undefined && (form.width < MIN_WIDTH || form.width > limit)) {
      const bound = `${limit} pixels wide${usual.width === undefined ? '' : ' (FRAME_WIDTH)'}`;
      throw new AppError('invalid-metadata', `formats must be ${MIN_WIDTH} to ${bound}, got ${form.width}`);
    }
    return usual.width === undefined ? form : { width: usual.width, ...form };
  });
  const [first, ...others] = new Map(forms.map((form) => [formText(form), form])).values();
  const { format, width } = usual;
  return first ? [first, ...others] : [{ format, ...(width !== undefined && { width }) }];
}

function previewAsked(asked: string | undefined, allowed: boolean): boolean {
  if (asked === undefined) return allowed;
  const word = asked.trim().toLowerCase();
  if (NO.has(word)) return false;
  if (!YES.has(word)) {
    throw new AppError('invalid-metadata', `preview must be true or false, got ${describe(asked)}`, {
      found: asked,
    });
  }
  if (!allowed) throw new AppError('invalid-metadata', `preview must be false (PREVIEW), got ${asked}`);
  return true;
}

function clipAsked(asked: string | undefined, limit: number): number {
  if (asked === undefined) return limit;
  const word = asked.trim().toLowerCase();
  if (NO.has(word)) return 0;
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(word) ? Number(word) : Number.NaN;
  if (seconds > 0 && seconds <= limit) return seconds;
  const allowed = limit === 0 ? 'false' : `a number of seconds up to ${limit}, or false`;
  const got = Number.isNaN(seconds) ? describe(asked) : asked;
  throw new AppError('invalid-metadata', `clip must be ${allowed} (CLIP_SECONDS), got ${got}`, {
    found: asked,
  });
}

/** Below this no label can be read. */
const MIN_SHEET_WIDTH = 96;
const YES = new Set(['true', '1', 'yes', 'on']);
const NO = new Set(['false', '0', 'no', 'off']);

function sheetAsked(asked: string | undefined, config: VideoConfig): Question['contactSheet'] {
  const { contactSheet: allowed, contactSheetWidth: width, frame } = config;
  const word = asked?.trim().toLowerCase();
  if (word === undefined ? !allowed : NO.has(word)) return false;
  const usual = { format: frame.format, width };
  const form = word === undefined || YES.has(word) ? usual : parseImageForm(word);
  if (!form) {
    throw new AppError(
      'invalid-metadata',
      `contact-sheet must be true, false, or a format such as webp@640, got ${describe(asked)}`,
      { found: asked },
    );
  }
  if (!allowed) {
    throw new AppError('invalid-metadata', `contact-sheet must be false (CONTACT_SHEET), got ${asked}`);
  }
  if (form.width !== undefined && (form.width > width || form.width < MIN_SHEET_WIDTH)) {
    throw new AppError(
      'invalid-metadata',
      `contact-sheet must be ${MIN_SHEET_WIDTH} to ${width} pixels wide (CONTACT_SHEET_WIDTH), got ${form.width}`,
    );
  }
  return { ...usual, ...form };
}
