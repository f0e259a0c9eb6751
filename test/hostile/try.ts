import { largeBatch, largeEvent } from './helpers/bulk.ts';
import { eventNeighbours } from './helpers/neighbours.ts';
import { confinedIngest } from './helpers/scenes.ts';
import { sendAll } from './helpers/sender.ts';

const [kind = 'event', n = '100', bytes = '1000000', per = '100'] = process.argv.slice(2);
const scene = await confinedIngest(process.env['TRY_ENV'] ? JSON.parse(process.env['TRY_ENV']) : {});
await sendAll(scene.processes[0]!.url, eventNeighbours(50));
console.log('base', scene.told());
const list = Array.from({ length: Number(n) }, (_, i) =>
  kind === 'event'
    ? largeEvent(`big-${i}`, Number(bytes))
    : largeBatch(`big-${i}`, Number(per), Number(bytes)),
);
const report = await sendAll(scene.processes[0]!.url, list, {
  maxAttempts: Number(process.env['TRY_ATTEMPTS'] ?? 1),
});
console.log(kind, n, bytes, per, JSON.stringify(report), scene.told(), scene.crashes.join());
for (const l of scene.stray.slice(0, 6)) console.log('stray', l.slice(0, 200));
const bad = scene.logs.filter((l) => l['severity'] !== 'INFO');
for (const l of bad.slice(0, 3)) console.log(JSON.stringify(l).slice(0, 400));
await scene.close();
