import type { ComponentChildren, JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { type JsonSchema, rulesOf } from './schema.ts';

/** Text in a field for JSON that is no JSON yet. */
export class Unparsed {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export interface FieldProps {
  schema: JsonSchema;
  root: JsonSchema;
  value: unknown;
  /** JSON Pointer. */
  pointer: string;
  label: string;
  isRequired: boolean;
  problems: ReadonlyMap<string, string>;
  onChange(value: unknown): void;
  /** For a field that may be absent. */
  onRemove?: (() => void) | undefined;
}

type Attributes = Record<'id' | 'aria-describedby' | 'data-pointer', string> & { 'aria-invalid': boolean };

/** A label, what is said about the field, and what is wrong with it. */
export function Labelled({
  schema,
  pointer,
  label,
  isRequired,
  problems,
  onRemove,
  children,
}: FieldProps & { children(field: Attributes): ComponentChildren }): JSX.Element {
  const id = useId();
  const problem = problems.get(pointer);
  const { description } = schema;
  const notes = [typeof description === 'string' ? description : '', rulesOf(schema)].filter(Boolean);
  return (
    <div class="field">
      <div class="field-head">
        <span>
          <label for={id}>
            <b>{label}</b>
          </label>
          {!isRequired && <span class="optional">optional</span>}
        </span>
        {onRemove && <Remove label={label} onRemove={onRemove} />}
      </div>
      {children({
        id,
        'aria-describedby': `${id}-about`,
        'aria-invalid': problem !== undefined,
        'data-pointer': pointer,
      })}
      <p id={`${id}-about`} class="field-about">
        {problem && <strong class="wrong">{problem}</strong>}
        {notes.length > 0 && <span>{notes.join(' · ')}</span>}
      </p>
    </div>
  );
}

export function Remove({ label, onRemove }: { label: string; onRemove(): void }): JSX.Element {
  return (
    <button type="button" class="quiet" onClick={onRemove} aria-label={`Remove ${label}`}>
      Remove
    </button>
  );
}

const INPUT_MODES: Readonly<Record<string, 'email' | 'url'>> = { email: 'email', uri: 'url' };

export function TextField(props: FieldProps): JSX.Element {
  const { schema, value, onChange } = props;
  const format = String(schema['format'] ?? '');
  const { maxLength } = schema;
  const isLong = typeof value === 'string' && (value.length > 80 || value.includes('\n'));
  const made = MADE[format];
  return (
    <Labelled {...props}>
      {(field) => (
        <div class="with-button">
          {isLong || (typeof maxLength === 'number' && maxLength > 500) ? (
            <textarea
              {...field}
              rows={3}
              value={textOf(value)}
              onInput={(event) => onChange(event.currentTarget.value)}
            />
          ) : (
            <input
              type="text"
              {...field}
              inputMode={INPUT_MODES[format] ?? 'text'}
              value={textOf(value)}
              spellcheck={false}
              onInput={(event) => onChange(event.currentTarget.value)}
            />
          )}
          {made && (
            <button type="button" class="button" onClick={() => onChange(made.make())}>
              {made.name}
            </button>
          )}
        </div>
      )}
    </Labelled>
  );
}

/** Formats whose values nobody types. */
const MADE: Readonly<Record<string, { name: string; make(): string }>> = {
  'date-time': { name: 'Now', make: () => new Date().toISOString() },
  date: { name: 'Today', make: () => new Date().toISOString().slice(0, 10) },
  uuid: { name: 'New', make: () => crypto.randomUUID() },
};

export function NumberField(props: FieldProps): JSX.Element {
  const { value, onChange } = props;
  // the text is kept, so that 1. can become 1.5
  const [text, setText] = useState(textOf(value));
  const shown = numberOf(text) === value ? text : textOf(value);
  return (
    <Labelled {...props}>
      {(field) => (
        <input
          type="text"
          {...field}
          inputMode="decimal"
          value={shown}
          onInput={(event) => {
            setText(event.currentTarget.value);
            onChange(numberOf(event.currentTarget.value));
          }}
        />
      )}
    </Labelled>
  );
}

/** What is no number stays text, which the schema refuses with its reason. */
function numberOf(text: string): unknown {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : text;
}

export function JsonField(props: FieldProps): JSX.Element {
  const { value, onChange } = props;
  return (
    <Labelled {...props}>
      {(field) => (
        <textarea
          {...field}
          class="code"
          rows={Math.min(24, jsonText(value).split('\n').length + 1)}
          spellcheck={false}
          value={jsonText(value)}
          onInput={(event) => onChange(parsed(event.currentTarget.value))}
        />
      )}
    </Labelled>
  );
}

function jsonText(value: unknown): string {
  return value instanceof Unparsed ? value.text : (JSON.stringify(value, undefined, 2) ?? '');
}

/** JSON that is typed differently from how it would be printed is kept as it was typed until it is read. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return jsonText(value) === text ? value : new Unparsed(text);
  } catch {
    return new Unparsed(text);
  }
}

/** Fields that belong together; those of the whole document have no frame. */
export function Group({
  pointer,
  label,
  schema,
  isRequired,
  problems,
  onRemove,
  children,
}: FieldProps & { children: ComponentChildren }): JSX.Element {
  const problem = problems.get(pointer);
  const { description } = schema;
  if (pointer === '') {
    return (
      <div class="fields">
        {problem && <strong class="wrong">{problem}</strong>}
        {children}
      </div>
    );
  }
  return (
    <fieldset class="group">
      <legend>
        <b>{label}</b>
        {!isRequired && <span class="optional">optional</span>}
        {onRemove && <Remove label={label} onRemove={onRemove} />}
      </legend>
      {(problem || typeof description === 'string') && (
        <p class="field-about">
          {problem && <strong class="wrong">{problem}</strong>}
          {typeof description === 'string' && <span>{description}</span>}
        </p>
      )}
      <div class="fields">{children}</div>
    </fieldset>
  );
}

export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);

export const stepOf = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** The value without what is no JSON yet, and where that is. */
export function readDraft(value: unknown, pointer = ''): { value: unknown; unparsed: string[] } {
  if (value instanceof Unparsed) {
    try {
      return { value: JSON.parse(value.text), unparsed: [] };
    } catch {
      return { value: null, unparsed: [pointer] };
    }
  }
  if (typeof value !== 'object' || value === null) return { value, unparsed: [] };
  const read = Object.entries(value).map(
    ([name, member]) => [name, readDraft(member, `${pointer}/${stepOf(name)}`)] as const,
  );
  const unparsed = read.flatMap(([, member]) => member.unparsed);
  if (Array.isArray(value)) return { value: read.map(([, member]) => member.value), unparsed };
  return { value: Object.fromEntries(read.map(([name, member]) => [name, member.value])), unparsed };
}
