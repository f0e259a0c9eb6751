import type { JSX } from 'preact';
import type { AppAnswer, AppFunction } from '../api-types.ts';
import { linkTo } from './route.ts';
import { isIdle, type Place, sourcesOf, wiringOf } from './wiring.ts';

const LINE = 66;
const BOX = 50;
const WIDTH = 1_000;
const COLUMNS = { from: 0, function: 380, to: 780 } as const;
const BOX_WIDTH = { place: 220, function: 240 } as const;

type Recent = readonly { function: string; isGood: boolean }[];

/** Buckets, topics and functions as they are wired. The same facts are on the pages of the functions, as text. */
export function Picture({ app, recent }: { app: AppAnswer; recent: Recent }): JSX.Element {
  const { functions, left, right } = wiringOf(app);
  const height = Math.max(left.length, right.length, functions.length) * LINE;
  const yOf = (places: readonly Place[], key: string): number =>
    (places.find((place) => place.key === key)?.at ?? 0) * height;
  const idle = functions.filter(isIdle);
  return (
    <section class="panel scroll" aria-label="Picture of the app">
      <svg class="wiring" viewBox={`-4 -4 ${WIDTH + 8} ${height + 8}`}>
        <title>{`Wiring of ${app.name}`}</title>
        {functions.map((one, index) => {
          const y = ((index + 0.5) / functions.length) * height;
          return (
            <Wired
              key={one.name}
              one={one}
              y={y}
              into={sourcesOf(one).map((key) => yOf(left, key))}
              out={one.to.map((key) => yOf(right, key))}
              recent={recent.filter((each) => each.function === one.name)}
            />
          );
        })}
        {left.map((place) => (
          <PlaceBox key={place.key} place={place} x={COLUMNS.from} y={place.at * height} />
        ))}
        {right.map((place) => (
          <PlaceBox key={place.key} place={place} x={COLUMNS.to} y={place.at * height} />
        ))}
      </svg>
      <p class="faint legend">
        Round: topics. Square: buckets. Dashed: may write.
        {idle.length > 0 && ' Pale: does not run here.'} Point at a function for its wires.
      </p>
    </section>
  );
}

function Wired({
  one,
  y,
  into,
  out,
  recent,
}: {
  one: AppFunction;
  y: number;
  into: readonly number[];
  out: readonly number[];
  recent: Recent;
}): JSX.Element {
  const isActive = recent.length > 0;
  const right = COLUMNS.function + BOX_WIDTH.function;
  const kinds = ['wired', isActive && 'wire-active', isIdle(one) && 'wired-idle'].filter(Boolean);
  return (
    <g class={kinds.join(' ')}>
      {into.map((from) => (
        <path key={`in ${from}`} d={curve(COLUMNS.from + BOX_WIDTH.place, from, COLUMNS.function, y)} />
      ))}
      {out.map((to) => (
        <path key={`out ${to}`} class="wire-out" d={curve(right, y, COLUMNS.to, to)} />
      ))}
      <Box one={one} y={y} recent={recent} />
    </g>
  );
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = (x2 - x1) / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function PlaceBox({
  place: { label, note, kind },
  x,
  y,
}: {
  place: Place;
  x: number;
  y: number;
}): JSX.Element {
  const height = note === '' ? 36 : 46;
  const shown = label.length > 26 ? `${label.slice(0, 25)}…` : label;
  return (
    <g class={`place place-${kind}`}>
      <title>{label}</title>
      <rect
        x={x}
        y={y - height / 2}
        width={BOX_WIDTH.place}
        height={height}
        rx={kind === 'topic' ? height / 2 : 6}
      />
      <text x={x + 18} y={note === '' ? y + 5 : y - 3}>
        {shown}
      </text>
      {note !== '' && (
        <text x={x + 18} y={y + 14} class="box-note">
          {note}
        </text>
      )}
    </g>
  );
}

function Box({ one, y, recent }: { one: AppFunction; y: number; recent: Recent }): JSX.Element {
  const isFailing = recent.some(({ isGood }) => !isGood);
  return (
    <a
      href={linkTo(['function', one.name])}
      class={`box ${isFailing ? 'box-bad' : recent.length > 0 ? 'box-active' : ''}`}
    >
      <title>{`${one.name}: ${one.trigger}`}</title>
      <rect x={COLUMNS.function} y={y - BOX / 2} width={BOX_WIDTH.function} height={BOX} rx={10} />
      <text x={COLUMNS.function + 16} y={y - 3} class="box-name">
        {one.name}
      </text>
      <text x={COLUMNS.function + 16} y={y + 14} class="box-note">
        {noteOf(one)}
      </text>
    </a>
  );
}

function noteOf(one: AppFunction): string {
  if (isIdle(one)) return one.option === undefined ? 'does not run here' : `only with --${one.option}`;
  const waiting = (one.backlog ?? 0) + (one.outstanding ?? 0);
  if (one.backlog === undefined) return one.memory;
  return waiting === 0 ? 'idle' : `${waiting} waiting`;
}
