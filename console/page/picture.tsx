import type { JSX } from 'preact';
import type { AppAnswer, AppFunction } from '../api-types.ts';
import { linkTo } from './route.ts';

const LINE = 76;
const BOX = 52;
const WIDTH = 1_000;
const COLUMNS = { from: 0, function: 380, to: 780 } as const;
const BOX_WIDTH = { place: 220, function: 240 } as const;

interface Places {
  left: string[];
  right: string[];
}

/** What fires functions on the left, what they write on the right. */
function placesOf({ functions }: AppAnswer): Places {
  const left = [...new Set(functions.flatMap((one) => (one.from.length > 0 ? one.from : [one.trigger])))];
  const right = [...new Set(functions.flatMap((one) => one.to))];
  return { left, right };
}

/** Buckets, topics and functions as they are wired. The same facts are on the page of functions, as text. */
export function Picture({
  app,
  recent,
}: {
  app: AppAnswer;
  recent: readonly { function: string; isGood: boolean }[];
}): JSX.Element {
  const { left, right } = placesOf(app);
  const lines = Math.max(left.length, right.length, app.functions.length);
  const height = lines * LINE;
  const yOf = (index: number, of: number): number => ((index + 0.5) * height) / of;
  const functionY = (index: number): number => yOf(index, app.functions.length);
  const topics = new Set(app.topics.map(({ key }) => key));
  return (
    <section class="panel scroll" aria-label="Picture of the app">
      <svg
        class="wiring"
        viewBox={`-4 -4 ${WIDTH + 8} ${height + 8}`}
        role="img"
        aria-label={`Wiring of ${app.name}`}
      >
        {app.functions.map((one, index) => (
          <Wires
            key={one.name}
            one={one}
            y={functionY(index)}
            leftY={(key) => yOf(left.indexOf(key), left.length)}
            rightY={(key) => yOf(right.indexOf(key), right.length)}
            isActive={recent.some((each) => each.function === one.name)}
          />
        ))}
        {left.map((key, index) => (
          <Place
            key={key}
            name={key}
            x={COLUMNS.from}
            y={yOf(index, left.length)}
            isTopic={topics.has(key)}
          />
        ))}
        {right.map((key, index) => (
          <Place key={key} name={key} x={COLUMNS.to} y={yOf(index, right.length)} isTopic={topics.has(key)} />
        ))}
        {app.functions.map((one, index) => (
          <Box key={one.name} one={one} y={functionY(index)} recent={recent} />
        ))}
      </svg>
      <p class="faint legend">Round: topics. Square: buckets. Dashed: may write.</p>
    </section>
  );
}

function Wires({
  one,
  y,
  leftY,
  rightY,
  isActive,
}: {
  one: AppFunction;
  y: number;
  leftY(key: string): number;
  rightY(key: string): number;
  isActive: boolean;
}): JSX.Element {
  const sources = one.from.length > 0 ? one.from : [one.trigger];
  const into = COLUMNS.function;
  const out = COLUMNS.function + BOX_WIDTH.function;
  return (
    <g class={isActive ? 'wire wire-active' : 'wire'}>
      {sources.map((key) => (
        <path key={key} d={curve(COLUMNS.from + BOX_WIDTH.place, leftY(key), into, y)} />
      ))}
      {one.to.map((key) => (
        <path key={key} class="wire-out" d={curve(out, y, COLUMNS.to, rightY(key))} />
      ))}
    </g>
  );
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = (x2 - x1) / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function Place({
  name,
  x,
  y,
  isTopic,
}: {
  name: string;
  x: number;
  y: number;
  isTopic: boolean;
}): JSX.Element {
  const top = y - BOX / 2 + 6;
  return (
    <g class={isTopic ? 'place place-topic' : 'place'}>
      <rect x={x} y={top} width={BOX_WIDTH.place} height={BOX - 12} rx={isTopic ? 20 : 6} />
      <text x={x + 16} y={y + 5}>
        {name.length > 26 ? `${name.slice(0, 25)}…` : name}
        <title>{name}</title>
      </text>
    </g>
  );
}

function Box({
  one,
  y,
  recent,
}: {
  one: AppFunction;
  y: number;
  recent: readonly { function: string; isGood: boolean }[];
}): JSX.Element {
  const own = recent.filter((each) => each.function === one.name);
  const isFailing = own.some(({ isGood }) => !isGood);
  const waiting = (one.backlog ?? 0) + (one.outstanding ?? 0);
  return (
    <a
      href={linkTo(['functions'])}
      class={`box ${isFailing ? 'box-bad' : own.length > 0 ? 'box-active' : ''}`}
    >
      <rect x={COLUMNS.function} y={y - BOX / 2} width={BOX_WIDTH.function} height={BOX} rx={10} />
      <text x={COLUMNS.function + 16} y={y - 2} class="box-name">
        {one.name}
      </text>
      <text x={COLUMNS.function + 16} y={y + 16} class="box-note">
        {one.backlog === undefined ? one.memory : waiting === 0 ? 'idle' : `${waiting} waiting`}
      </text>
    </a>
  );
}
