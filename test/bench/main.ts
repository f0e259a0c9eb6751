import { readdirSync } from 'node:fs';

/** One measured figure. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** Bound the value must meet. */
  bound?: number;
  /** The same figure for the naive approach, from the same run. */
  plain?: number;
}

export type Emit = (figure: Figure) => void;

const here = new URL('.', import.meta.url);
const names = readdirSync(here)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3));

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));
if (wanted.length === 0 || unknown.length > 0) {
  process.stderr.write(`usage: npm run bench -- <name…>; names are ${names.join(', ')}\n`);
  process.exit(2);
}
for (const name of wanted) {
  const { bench } = (await import(new URL(`${name}.ts`, here).href)) as {
    bench: (emit: Emit) => Promise<void>;
  };
  await bench((figure) => void process.stdout.write(`${JSON.stringify(figure)}\n`));
}
