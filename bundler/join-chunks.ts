import { basename } from 'node:path';
import { type BuildOptions, type BuildResult, build, type Metafile, type Plugin } from 'esbuild';
import { chunkGroups } from './chunk-groups.ts';

/** A first build, kept in memory: `write: false, metafile: true`. */
type Built = BuildResult<{ write: false; metafile: true }>;

/** One file to write: the outputs of a group, by name, in the order of their first import. */
interface File {
  name: string;
  parts: string[];
}

/**
 * Builds the outputs of a first build again, each group of chunks as one file, and writes them. Entries keep their
 * names; one inside of a group becomes a file that exports the group's. Returns a metafile of the files with the
 * sources of the first build.
 */
export async function joinChunks(first: Built, entry: string, options: BuildOptions): Promise<Metafile> {
  const { outputs } = first.metafile;
  const scripts = Object.keys(outputs).filter((one) => one.endsWith('.js'));
  const nameOf = new Map(scripts.map((path) => [basename(path), path]));
  const files = filesOf(
    scripts.map((path) => basename(path)),
    outputsByName(first.metafile),
    entry,
  );
  const fileOf = new Map(files.flatMap((file) => file.parts.map((part) => [part, file] as const)));
  const textOf = new Map(first.outputFiles.map(({ path, text }) => [basename(path), text]));
  const exportsOf = (part: string): string[] => outputs[nameOf.get(part)!]!.exports;

  /** Exports of one part, as others see them. */
  const proxy = (part: string): string => {
    const { name, parts } = fileOf.get(part)!;
    const at = parts.indexOf(part);
    const names = exportsOf(part).map((one) => `${exported(at, one)} as ${one}`);
    return `export{${names.join(',')}}from"./${name}"`;
  };
  const joined = ({ parts }: File): string =>
    parts
      .map((part, at) => {
        const names = exportsOf(part).map((one) => `${one} as ${exported(at, one)}`);
        return `export{${names.join(',')}}from"./${part}";`;
      })
      .join('');

  const parts: Plugin = {
    name: 'parts',
    setup(esbuild) {
      esbuild.onResolve({ filter: /^/ }, ({ path, importer, kind, namespace }) => {
        if (kind === 'entry-point') {
          const file = fileOf.get(path)!;
          return { path, namespace: file.name === path ? 'joined' : 'proxy' };
        }
        const part = basename(path);
        const isPart = path.startsWith('./') && fileOf.has(part);
        if (!isPart || kind === 'dynamic-import' || namespace === 'proxy') return { path, external: true };
        const isInside = namespace === 'joined' || fileOf.get(part) === fileOf.get(importer);
        return { path: part, namespace: isInside ? 'part' : 'proxy' };
      });
      const contents = (namespace: string, of: (name: string) => string): void =>
        esbuild.onLoad({ filter: /^/, namespace }, ({ path }) => ({ contents: of(path), loader: 'js' }));
      contents('joined', (name) => joined(fileOf.get(name)!));
      contents('proxy', proxy);
      contents('part', (name) => textOf.get(name)!);
    },
  };
  const entries = scripts
    .map((path) => basename(path))
    .filter((name) => {
      const isEntry = outputs[nameOf.get(name)!]!.entryPoint !== undefined;
      return isEntry || fileOf.get(name)!.name === name;
    });
  const { metafile } = await build({
    ...options,
    splitting: false,
    metafile: true,
    entryPoints: entries.map((name) => ({ in: name, out: name.slice(0, -'.js'.length) })),
    plugins: [parts],
  });
  return { inputs: first.metafile.inputs, outputs: withSources(metafile, outputsByName(first.metafile)) };
}

/** Names in a group are unique by the part's place. An entry that names the file keeps its own. */
function exported(at: number, name: string): string {
  return at === 0 ? name : `p${at}_${name}`;
}

function filesOf(names: readonly string[], outputs: Metafile['outputs'], entry: string): File[] {
  const groups = chunkGroups(outputs, entry);
  const members = new Map<string, string[]>();
  for (const name of names) {
    const group = groups.get(name) ?? name;
    members.set(group, [...(members.get(group) ?? []), name]);
  }
  return [...members.values()].map((parts) => {
    const name =
      parts.find((one) => one === entry) ?? parts.find((one) => outputs[one]!.entryPoint) ?? parts[0]!;
    return { name, parts: [name, ...parts.filter((one) => one !== name)] };
  });
}

/** The metafile's outputs with the names of files in place of paths. */
function outputsByName({ outputs }: Metafile): Metafile['outputs'] {
  const renamed = Object.entries(outputs).map(([path, output]) => {
    const imports = output.imports.map((one) => (one.external ? one : { ...one, path: basename(one.path) }));
    return [basename(path), { ...output, imports }] as const;
  });
  return Object.fromEntries(renamed);
}

/** Replaces parts by the sources that they were built from. */
function withSources(metafile: Metafile, first: Metafile['outputs']): Metafile['outputs'] {
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => {
    const dir = path.slice(0, -basename(path).length);
    const parts = Object.keys(output.inputs).filter((one) => one.startsWith('part:'));
    const inputs = Object.assign({}, ...parts.map((one) => first[one.slice('part:'.length)]!.inputs));
    const imports = output.imports.map((one) =>
      one.path.startsWith('./') ? { ...one, path: `${dir}${basename(one.path)}`, external: false } : one,
    );
    const entryPoint = first[basename(path)]?.entryPoint;
    return [path, { ...output, inputs, imports, ...(entryPoint !== undefined && { entryPoint }) }] as const;
  });
  return Object.fromEntries(outputs);
}
