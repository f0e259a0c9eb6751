import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';

/** Small parts that every page uses. All texts are rendered as text. */

export function Problem({ text, onRetry }: { text: string; onRetry?: () => void }): JSX.Element {
  return (
    <div class="problem" role="alert">
      <strong>This could not be shown</strong>
      <p>{text}</p>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <strong>{title}</strong>
      <div>{children}</div>
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <div class="loading" role="status">
      Loading…
    </div>
  );
}

export function Head({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <header class="head">
      <h1 tabIndex={-1}>{title}</h1>
      <div class="actions">{children}</div>
    </header>
  );
}

const DAY_MS = 86_400_000;
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** In the reader's zone; the title has UTC. */
export function Time({ at }: { at: string | undefined }): JSX.Element {
  const date = at === undefined ? undefined : new Date(at);
  if (!date || Number.isNaN(date.getTime())) return <span class="faint">–</span>;
  const isToday = Math.abs(Date.now() - date.getTime()) < DAY_MS && date.getDate() === new Date().getDate();
  return (
    <time dateTime={date.toISOString()} title={at}>
      {(isToday ? TIME : DATE).format(date)}
    </time>
  );
}

export function Chip({ kind, children }: { kind: string; children: ComponentChildren }): JSX.Element {
  return <span class={`chip chip-${TONES[kind] ?? 'plain'}`}>{children}</span>;
}

const TONES: Readonly<Record<string, string>> = {
  framed: 'good',
  resolved: 'good',
  'no-moment': 'plain',
  rejected: 'bad',
  damaged: 'bad',
  open: 'bad',
  'failed-again': 'bad',
  processing: 'busy',
  waiting: 'busy',
  replayed: 'busy',
};

export function Facts({ facts }: { facts: readonly [string, ComponentChildren][] }): JSX.Element {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Text in which `backticks` mark code, as in the docs. */
export function Marked({ text }: { text: string }): JSX.Element {
  const parts = text.split('`').map((part, index) => ({ part, isCode: index % 2 === 1, at: index }));
  return <>{parts.map(({ part, isCode, at }) => (isCode ? <code key={at}>{part}</code> : part))}</>;
}

export function count(value: number): string {
  return value.toLocaleString();
}

export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log10(value) / 3));
  return `${(value / 1_000 ** power).toFixed(1)} ${units[power - 1]}`;
}

export function seconds(value: number): string {
  const minutes = Math.floor(value / 60);
  return `${minutes}:${(value % 60).toFixed(2).padStart(5, '0')}`;
}

const MOST_MEMBERS = 200;

/** A JSON value as a tree that folds; large lists are cut with a button. */
export function Tree({
  value,
  name,
  depth = 0,
}: {
  value: unknown;
  name?: string;
  depth?: number;
}): JSX.Element {
  const [most, setMost] = useState(MOST_MEMBERS);
  const label = name === undefined ? null : <span class="tree-name">{name}</span>;
  if (typeof value !== 'object' || value === null) {
    return (
      <div class="tree-leaf">
        {label}
        <span class={`tree-${value === null ? 'null' : typeof value}`}>
          {typeof value === 'string' ? value : JSON.stringify(value)}
        </span>
      </div>
    );
  }
  const members = Object.entries(value);
  const size = Array.isArray(value) ? counted(members.length, 'item') : counted(members.length, 'field');
  return (
    <details class="tree" open={depth < 4 && members.length <= 40}>
      <summary>
        {label}
        <span class="faint">{size}</span>
      </summary>
      {members.slice(0, most).map(([key, member]) => (
        <Tree key={key} name={key} value={member} depth={depth + 1} />
      ))}
      {members.length > most && (
        <button type="button" class="button" onClick={() => setMost(most + MOST_MEMBERS)}>
          Show more of {count(members.length)}
        </button>
      )}
    </details>
  );
}

/** JSON text as a tree; other text as it is. */
export function TextTree({ text }: { text: string }): JSX.Element {
  try {
    return <Tree value={JSON.parse(text)} />;
  } catch {
    return <pre class="text">{text}</pre>;
  }
}
