import type { JSX } from 'preact';

/** A number with its name. */
export function Tile({
  name,
  value,
  note,
  isBad = false,
  href,
  title,
}: {
  name: string;
  value: string;
  /** Smaller, after the number. */
  note?: string;
  isBad?: boolean;
  href?: string;
  title?: string;
}): JSX.Element {
  return (
    <div class={`tile ${isBad ? 'tile-bad' : ''}`} title={title}>
      <dt>{href ? <a href={href}>{name}</a> : name}</dt>
      <dd>
        {value}
        {note && <small> {note}</small>}
      </dd>
    </div>
  );
}
