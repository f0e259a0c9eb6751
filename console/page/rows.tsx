import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Rows beyond the window, so that a quick scroll shows no gap. */
const SPARE = 12;

/** A list of rows of one height, of which only those in the window exist: it scrolls with 10,000 as with 10. */
export function Rows({
  count,
  height,
  label,
  children,
}: {
  count: number;
  height: number;
  label: string;
  children(index: number): ComponentChildren;
}): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ from: 0, to: 60 });
  useEffect(() => {
    const update = (): void => {
      const top = list.current?.getBoundingClientRect().top ?? 0;
      const from = Math.max(0, Math.floor(-top / height) - SPARE);
      const to = Math.ceil((innerHeight - top) / height) + SPARE;
      setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
    };
    update();
    addEventListener('scroll', update, { passive: true });
    addEventListener('resize', update);
    return () => {
      removeEventListener('scroll', update);
      removeEventListener('resize', update);
    };
  }, [count, height]);
  const from = Math.min(range.from, count);
  const to = Math.min(range.to, count);
  return (
    <section
      class="rows"
      aria-label={`${label}: ${count}`}
      ref={list}
      style={{ height: `${count * height}px` }}
    >
      <div style={{ transform: `translateY(${from * height}px)` }}>
        {Array.from({ length: Math.max(0, to - from) }, (_, index) => children(from + index))}
      </div>
    </section>
  );
}
