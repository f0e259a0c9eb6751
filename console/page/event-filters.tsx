import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { TableAnswer } from '../api-types.ts';
import { go } from './route.ts';

/** Names of the command line's filters. */
export const FILTERS = ['type', 'source', 'subject', 'correlation-id', 'id', 'since', 'until'] as const;

/** With the text that is searched in their data. */
const INPUTS = [...FILTERS, 'text'] as const;

const HINTS: Readonly<Record<string, string>> = {
  type: 'video.framed',
  text: 'in the data',
  id: '8+ digits',
  since: '2h or a date',
  until: '1h or a date',
};

export function EventFilters({
  query,
  columns,
  table,
}: {
  query: URLSearchParams;
  columns: readonly string[];
  table: TableAnswer | undefined;
}): JSX.Element {
  const current = Object.fromEntries(query);
  const apply = (changes: Readonly<Record<string, string>>): void =>
    go(['events'], { ...current, ...changes });
  // data comes with the single event: it can have a megabyte
  const known = table?.schema.map(({ name }) => name).filter((name) => name !== 'data') ?? [];
  const toggle = (name: string): void => {
    const next = known.filter((one) => (one === name ? !columns.includes(one) : columns.includes(one)));
    if (next.length > 0) apply({ columns: next.join(',') });
  };
  return (
    <div class="filters">
      {INPUTS.map((name) => (
        <label key={name}>
          <span>{name.replace('-', ' ')}</span>
          <input
            type="search"
            value={query.get(name) ?? ''}
            placeholder={HINTS[name]}
            onChange={(event) => apply({ [name]: event.currentTarget.value.trim() })}
          />
        </label>
      ))}
      {table && table.version > 0 && (
        <Versions
          newest={table.version}
          oldest={table.oldestCommit ?? 0}
          version={Number(query.get('version') || table.version)}
          onChange={(version) => apply({ version: version === table.version ? '' : String(version) })}
        />
      )}
      <details class="columns">
        <summary>Columns</summary>
        {known.map((name) => (
          <label key={name} class="check">
            <input type="checkbox" checked={columns.includes(name)} onChange={() => toggle(name)} />
            {name.replaceAll('_', ' ')}
          </label>
        ))}
      </details>
    </div>
  );
}

/** Goes back to an older version of the table. */
function Versions({
  newest,
  oldest,
  version,
  onChange,
}: {
  newest: number;
  oldest: number;
  version: number;
  onChange(version: number): void;
}): JSX.Element {
  const [shown, setShown] = useState(version);
  useEffect(() => setShown(version), [version]);
  return (
    <label class="versions">
      <span>
        version {shown} of {newest}
      </span>
      <input
        type="range"
        min={oldest}
        max={newest}
        value={shown}
        onInput={(event) => setShown(Number(event.currentTarget.value))}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      />
    </label>
  );
}
