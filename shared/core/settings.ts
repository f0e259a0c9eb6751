export type Env = Readonly<Record<string, string | undefined>>;

/**
 * One environment variable, declared once: its parser, its deployment and its line in the reference are derived
 * from this value. `T` is the parsed type.
 */
export interface Setting<T> {
  /** Name of the builder function, such as `integer`. */
  readonly type: string;
  readonly doc: string;
  /** Used if the variable is not set. */
  readonly default?: T;
  /** True if the variable must be set. */
  readonly required: boolean;
  /** Completes "NAME must be …". */
  readonly mustBe: string;
  /** Allowed range or values, as the reference shows them. */
  readonly bounds?: Bounds;
  /** True for a secret: its value must not appear in messages. */
  readonly secret?: true;
  /** Set by the deployment (and the local cloud) or by local runs only; undefined if the operator sets it. */
  readonly setBy?: 'deployment' | 'local runs';
  /** `text` is trimmed and not empty. Undefined if it is invalid. */
  parse(text: string, env: Env): T | undefined;
}

export type Bounds = { readonly min: number; readonly max: number } | { readonly values: readonly string[] };

/** By variable name. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The parsed values of these settings, by variable name. */
export type ValuesOf<Declared extends Settings> = {
  readonly [Name in keyof Declared]: Declared[Name] extends Setting<infer T> ? T : never;
};

/** A setting without a default is required; see `optional`. */
export interface SettingOptions<T> {
  /** One line for the reference: the meaning of the setting. */
  doc: string;
  default?: T;
}

type Range = { readonly min: number; readonly max: number };

/** Any text; if there is a pattern, `mustBe` describes it, such as `an e-mail address`. */
export function text(
  options: SettingOptions<string> & { pattern?: { matches: RegExp; mustBe: string } },
): Setting<string> {
  const { pattern, ...common } = options;
  return setting('text', common, {
    mustBe: pattern?.mustBe ?? 'set',
    parse: (value) => (pattern === undefined || pattern.matches.test(value) ? value : undefined),
  });
}

/** A decimal number, bounds included. */
export function number({ min, max, ...common }: SettingOptions<number> & Range): Setting<number> {
  return setting('number', common, {
    mustBe: `a number from ${min} to ${max}`,
    bounds: { min, max },
    parse: (value) => numberWithin(value, { min, max }),
  });
}

/** A whole number, bounds included. */
export function integer({ min, max, ...common }: SettingOptions<number> & Range): Setting<number> {
  return setting('integer', common, {
    mustBe: `an integer from ${min} to ${max}`,
    bounds: { min, max },
    parse(value) {
      const found = numberWithin(value, { min, max });
      return Number.isInteger(found) ? found : undefined;
    },
  });
}

/**
 * One of a closed list.
 *
 * @example
 * FRAME_FORMAT: oneOf(['png', 'jpeg'], { default: 'png', doc: 'format of stored frames' })
 */
export function oneOf<const T extends string>(
  values: readonly T[],
  common: SettingOptions<NoInfer<T>>,
): Setting<T> {
  return setting<T>('oneOf', common, {
    mustBe: `one of ${values.join(', ')}`,
    bounds: { values },
    parse: (value) => values.find((one) => one === value),
  });
}

export function flag(common: SettingOptions<boolean>): Setting<boolean> {
  return setting('flag', common, {
    mustBe: 'true or false',
    bounds: { values: ['true', 'false'] },
    parse: (value) => (value === 'true' ? true : value === 'false' ? false : undefined),
  });
}

/** Name of a bucket. Source of the rule: https://cloud.google.com/storage/docs/buckets#naming */
export function bucket(common: SettingOptions<string>): Setting<string> {
  return setting('bucket', common, {
    mustBe: 'the name of a bucket',
    parse: (value) => (/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(value) ? value : undefined),
  });
}

/** A Pub/Sub topic, as `projects/P/topics/T`, or by its short name if GOOGLE_CLOUD_PROJECT is set. */
export function topic(common: SettingOptions<string>): Setting<string> {
  return setting('topic', common, {
    mustBe: 'projects/P/topics/T, or T if GOOGLE_CLOUD_PROJECT is set',
    parse(value, env) {
      const isFull = /^projects\/[^/]+\/topics\/[^/]+$/.test(value);
      const isShort = !value.includes('/') && Boolean(env['GOOGLE_CLOUD_PROJECT']?.trim());
      return isFull || isShort ? value : undefined;
    },
  });
}

/** A folder in a bucket, never the bucket itself. Leading and trailing slashes are dropped. */
export function folder(common: SettingOptions<string>): Setting<string> {
  return setting('folder', common, {
    mustBe: 'a folder such as events or lake/events',
    parse(value) {
      const path = value.replace(/^\/+|\/+$/g, '');
      return path.split('/').some((part) => ['', '.', '..'].includes(part)) ? undefined : path;
    },
  });
}

/** Base URL of a service. */
export function url(common: SettingOptions<string>): Setting<string> {
  return setting('url', common, {
    mustBe: 'an http or https URL',
    parse: (value) => (/^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined),
  });
}

/** An emulator's endpoint that replaces Google's, in local runs and tests. */
export function endpoint({
  form,
  doc,
}: {
  form: 'url' | 'host:port';
  doc: string;
}): Setting<string | undefined> {
  const address =
    form === 'url'
      ? url({ doc })
      : text({ doc, pattern: { matches: /^[\w.-]+(:\d{1,5})?$/, mustBe: 'a host, or a host and a port' } });
  return optional({ ...address, setBy: 'local runs' });
}

/** A value that the deployment and the local cloud set, such as the name of a bucket. */
export function place<T>(declared: Setting<T>): Setting<T | undefined> {
  return optional({ ...declared, setBy: 'deployment' });
}

/** A secret: always required, and its value appears in no message. Functions list their secrets in `secrets`. */
export function secret(): Setting<string> {
  return { ...text({ doc: 'kept in Secret Manager' }), type: 'secret', secret: true };
}

/**
 * Declarations of a function's secrets, to be read with its settings.
 *
 * @example readSettings({ ...settings, ...secretSettings(['MAIL_API_KEY']) }, env)
 */
export function secretSettings<const Name extends string>(
  names: readonly Name[],
): Readonly<Record<Name, Setting<string>>> {
  // Object.fromEntries widens the names
  return Object.fromEntries(names.map((name) => [name, secret()])) as Record<Name, Setting<string>>;
}

/** The same setting; undefined if the variable is not set. */
export function optional<T>(declared: Setting<T>): Setting<T | undefined> {
  return { ...declared, required: false };
}

/** The opposite of `optional`, for a function that needs what others can do without. */
export function required<T>(declared: Setting<T | undefined>): Setting<T> {
  return { ...(declared as Setting<T>), required: true };
}

function setting<T>(
  type: string,
  { doc, default: fallback }: SettingOptions<T>,
  rule: Pick<Setting<T>, 'mustBe' | 'bounds' | 'parse'>,
): Setting<T> {
  return {
    type,
    doc,
    required: fallback === undefined,
    ...rule,
    ...(fallback !== undefined && { default: fallback }),
  };
}

function numberWithin(value: string, { min, max }: Range): number | undefined {
  // Number() alone would also accept 0x10 and Infinity
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return undefined;
  const found = Number(value);
  return found >= min && found <= max ? found : undefined;
}
