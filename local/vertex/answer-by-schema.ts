/** The supported subset of a Vertex AI schema; types may be in either case. */
export interface AnswerSchema {
  type?: string;
  properties?: Record<string, AnswerSchema>;
  required?: string[];
  items?: AnswerSchema;
  nullable?: boolean;
  enum?: string[];
  maxItems?: number;
}

export interface SeenMoment {
  /** Seconds from the start; undefined for stills. */
  seconds: number | undefined;
  /** In Gemini's format: `01:05`, or `01:05.250` above one frame per second. */
  timestamp: string | undefined;
  /** Number of the still, from 1; undefined for a video. */
  still: number | undefined;
  /** In [0, 1]. */
  confidence: number;
  description: string;
}

/** Moments seen, best first. */
export interface Seen {
  moments: readonly SeenMoment[];
}

/** An answer in the schema's shape, its fields filled according to their names. */
export function answerBySchema(schema: AnswerSchema, seen: Seen): unknown {
  return valueFor('', schema, seen, seen.moments[0]);
}

function valueFor(name: string, schema: AnswerSchema, seen: Seen, moment: SeenMoment | undefined): unknown {
  switch (typeOf(schema)) {
    case 'OBJECT':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, property]) => [
          key,
          valueFor(key, property, seen, moment),
        ]),
      );
    case 'ARRAY':
      return listFor(name, schema, seen);
    case 'STRING':
      return schema.enum?.[0] ?? orNull(stringFor(words(name), seen, moment), schema, '');
    case 'NUMBER':
      return orNull(numberFor(words(name), seen, moment), schema, 0);
    case 'INTEGER': {
      const number = numberFor(words(name), seen, moment);
      return orNull(number === undefined ? undefined : Math.round(number), schema, 0);
    }
    case 'BOOLEAN':
      return orNull(booleanFor(words(name), seen), schema, false);
    default:
      return null;
  }
}

/** One item per moment if items are objects or fields of moments; otherwise empty. */
function listFor(name: string, schema: AnswerSchema, seen: Seen): unknown[] {
  const items = schema.items ?? {};
  const kind = typeOf(items);
  const own = words(name);
  const one = own.map((word) => word.replace(/s$/, ''));
  const known =
    kind === 'OBJECT' ||
    (kind === 'STRING' && stringFor(one, seen, seen.moments[0]) !== undefined) ||
    ((kind === 'NUMBER' || kind === 'INTEGER') && numberFor(one, seen, seen.moments[0]) !== undefined);
  if (!known) return [];
  return seen.moments
    .slice(0, schema.maxItems ?? seen.moments.length)
    .map((moment) => valueFor(one.join('_'), items, seen, moment));
}

function stringFor(name: string[], seen: Seen, moment: SeenMoment | undefined): string | undefined {
  if (has(name, 'timestamp', 'time', 'start', 'at', 'when', 'begin', 'moment')) return moment?.timestamp;
  if (has(name, 'description', 'reason', 'explanation', 'summary', 'label', 'title', 'caption', 'event')) {
    return moment?.description ?? `Nothing new is seen among ${seen.moments.length} moments.`;
  }
  if (has(name, 'still', 'frame', 'image')) return moment?.still?.toString();
  return undefined;
}

function numberFor(name: string[], seen: Seen, moment: SeenMoment | undefined): number | undefined {
  if (has(name, 'confidence', 'score', 'probability', 'certainty')) return moment?.confidence ?? 0;
  if (has(name, 'count', 'total')) return seen.moments.length;
  if (has(name, 'still', 'frame', 'image', 'picture', 'index', 'number')) return moment?.still;
  if (has(name, 'seconds', 'second', 'time', 'timestamp', 'offset', 'start', 'at')) return moment?.seconds;
  return undefined;
}

function booleanFor(name: string[], seen: Seen): boolean | undefined {
  if (has(name, 'found', 'present', 'visible', 'exists', 'seen', 'detected', 'match', 'matches')) {
    return seen.moments.length > 0;
  }
  return undefined;
}

function orNull<T>(value: T | undefined, schema: AnswerSchema, filler: T): T | null {
  return value ?? (schema.nullable ? null : filler);
}

function typeOf(schema: AnswerSchema): string {
  return schema.type?.toUpperCase() ?? (schema.properties ? 'OBJECT' : schema.items ? 'ARRAY' : '');
}

/** `startTime`, `start_time` and `start-time` are the same two words. */
function words(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
}

function has(name: readonly string[], ...wanted: string[]): boolean {
  return name.some((word) => wanted.includes(word));
}
