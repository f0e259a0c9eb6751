import type { Metafile } from 'esbuild';

type Outputs = Metafile['outputs'];
type Kind = 'import-statement' | 'dynamic-import';

/** Module that every handler is built with, and nothing else is. */
const RUNTIME = 'shared/invocation/event-handler.ts';

/**
 * Groups of esbuild's chunks, as a key by output; outputs without a key stay alone. esbuild makes a chunk for each set
 * of entries that share code, so that dozens of files load before the first event, at a millisecond each. Chunks that
 * always load together are one group:
 * - those that the entry imports: `start`;
 * - those that every handler imports besides: `runtime`;
 * - those that the same handlers and readers of subjects import, and may load later: their names.
 *
 * A group imports only `start`, `runtime` and groups with more names, so there are no cycles.
 */
export function chunkGroups(outputs: Outputs, entry: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  const start = closure(outputs, entry);
  for (const one of start) groups.set(one, 'start');
  const runtime = Object.keys(outputs).find((one) => Object.hasOwn(outputs[one]!.inputs, RUNTIME));
  if (runtime === undefined) return groups;
  for (const one of closure(outputs, runtime)) if (!groups.has(one)) groups.set(one, 'runtime');
  const loaded = [...start].flatMap((one) => importsOf(outputs, one, 'dynamic-import'));
  const roots = [...new Set(loaded)].sort().map((root) => ({
    root,
    first: closure(outputs, root),
    // the entry leads to all the others
    ever: closure(outputs, root, ['import-statement', 'dynamic-import'], new Set(start)),
  }));
  for (const one of new Set(roots.flatMap(({ first }) => [...first]))) {
    if (groups.has(one)) continue;
    const first = roots.filter((root) => root.first.has(one)).map(({ root }) => root);
    const ever = roots.filter((root) => root.ever.has(one)).map(({ root }) => root);
    groups.set(one, `${first.join(' ')}, later ${ever.join(' ')}`);
  }
  return groups;
}

/** The output and everything that it imports in these ways. */
function closure(
  outputs: Outputs,
  from: string,
  kinds: readonly Kind[] = ['import-statement'],
  reached = new Set<string>(),
): ReadonlySet<string> {
  if (reached.has(from)) return reached;
  reached.add(from);
  for (const kind of kinds) {
    for (const path of importsOf(outputs, from, kind)) closure(outputs, path, kinds, reached);
  }
  return reached;
}

function importsOf(outputs: Outputs, from: string, wanted: Kind): string[] {
  const { imports } = outputs[from]!;
  return imports.filter(({ kind, external }) => kind === wanted && !external).map(({ path }) => path);
}
