import { GoogleError, type GoogleStatus } from './google-error.ts';

/**
 * Faults on demand. Before the answer: an HTTP status, `html` (a proxy's page), `reset`, `slow:MS`. Instead of a
 * good answer, but billed: `malformed`, `empty`, `safety`, `prompt-block`, `max-tokens`, `cut` (the body breaks
 * off), `lost` (the connection breaks before the first byte). A good answer that differs each time, as with real
 * models: `fickle`.
 */
export type Fault =
  | { kind: 'status'; error: GoogleError }
  | { kind: 'slow'; ms: number }
  | { kind: (typeof OTHERS)[number] };

const OTHERS = [
  'none',
  'html',
  'reset',
  'malformed',
  'empty',
  'safety',
  'prompt-block',
  'max-tokens',
  'cut',
  'lost',
  'fickle',
] as const;

const STATUSES: Record<string, [GoogleStatus, string]> = {
  '400': ['INVALID_ARGUMENT', 'Request contains an invalid argument.'],
  '401': ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  '403': ['PERMISSION_DENIED', "Permission 'aiplatform.endpoints.predict' denied on resource."],
  '404': ['NOT_FOUND', 'Publisher Model was not found or your project does not have access to it.'],
  '429': ['RESOURCE_EXHAUSTED', 'Resource exhausted. Please try again later.'],
  '500': ['INTERNAL', 'Internal error encountered.'],
  '503': ['UNAVAILABLE', 'The service is currently unavailable.'],
  '504': ['DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'],
  'service-agents': [
    'FAILED_PRECONDITION',
    'Service agents are being provisioned. Service agents are needed to read the Cloud Storage file provided. So please try again in a few minutes.',
  ],
};

/** All but `slow`, which needs a number. */
export const KINDS: readonly string[] = [
  ...Object.keys(STATUSES),
  ...OTHERS.filter((kind) => kind !== 'none'),
];

/** Reads `429`, `slow:5000`, `malformed`…; throws a GoogleError 400 for anything else. */
export function parseFault(text: string): Fault {
  const known = STATUSES[text];
  if (known) return { kind: 'status', error: new GoogleError(...known) };
  const slow = /^slow:(\d{1,7})$/.exec(text);
  if (slow) return { kind: 'slow', ms: Number(slow[1]) };
  const kind = OTHERS.find((other) => other === text);
  if (kind) return { kind };
  const all = [...Object.keys(STATUSES), ...OTHERS, 'slow:MS'].join(', ');
  throw new GoogleError('INVALID_ARGUMENT', `fault must be one of ${all}, got ${JSON.stringify(text)}`);
}

export interface FaultSetting {
  kinds: string[];
  /** Number of requests affected, in turn; default: each kind once. */
  times?: number;
  /** Good answers before the first fault. */
  after?: number;
}

/** Set by another process: the next `times` requests get the kinds in turn, after `after` good ones. */
export class FaultPlan {
  #kinds: string[] = [];
  #left = 0;
  #after = 0;
  #turn = 0;

  /** An untrusted FaultSetting; an empty list of kinds clears the current one. */
  set(setting: unknown): void {
    const { kinds, times, after } = (setting ?? {}) as { kinds?: unknown; times?: unknown; after?: unknown };
    if (!Array.isArray(kinds) || !kinds.every((kind) => typeof kind === 'string')) {
      throw new GoogleError('INVALID_ARGUMENT', 'kinds must be a list of strings');
    }
    for (const kind of kinds) parseFault(kind);
    this.#kinds = kinds;
    this.#left = typeof times === 'number' ? times : kinds.length;
    this.#after = typeof after === 'number' ? after : 0;
    this.#turn = 0;
  }

  /** What is left of it. */
  read(): Required<FaultSetting> {
    const isOver = this.#left <= 0 || this.#kinds.length === 0;
    return { kinds: isOver ? [] : this.#kinds, times: isOver ? 0 : this.#left, after: this.#after };
  }

  next(): Fault {
    if (this.#left <= 0 || this.#kinds.length === 0) return { kind: 'none' };
    if (this.#after > 0) {
      this.#after--;
      return { kind: 'none' };
    }
    this.#left--;
    return parseFault(this.#kinds[this.#turn++ % this.#kinds.length] ?? 'none');
  }
}
