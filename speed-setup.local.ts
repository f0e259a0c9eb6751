import { appendFileSync, readFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';
const stat = () => { const f = readFileSync('/proc/self/stat','utf8').split(') ')[1]!.split(' '); return { self: (Number(f[11])+Number(f[12]))/100, kids: (Number(f[13])+Number(f[14]))/100, at: Date.now() }; };
const g = globalThis as any;
const before = g.__last ?? { self: 0, kids: 0, at: Date.now() };
afterAll(() => { const now = stat(); appendFileSync(process.env['CPU_LOG'] ?? '/tmp/speed-cpu.log', JSON.stringify({ file: expect.getState().testPath, self: +(now.self-before.self).toFixed(2), kids: +(now.kids-before.kids).toFixed(2), wall: (now.at-before.at)/1000, rss: Math.round(process.memoryUsage().rss/1e6) })+'\n'); g.__last = now; });
