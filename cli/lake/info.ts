import { printable } from '../../local/terminal-text.ts';
import {
  newestIndex,
  oldestCommit,
  parseStats,
  readCommit,
  readLastCheckpoint,
  type Snapshot,
} from '../../shared/delta/index.ts';
import { bytesText, count, counted } from '../common/numbers.ts';
import { oneOf, parseOptions } from '../common/options.ts';
import type { LakeSubcommand } from './lake.ts';
import { idColumnOf, type Lake } from './lake.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { loadVersion, VERSION_HELP, VERSION_OPTIONS, versionChoice } from './versions.ts';

export const info: LakeSubcommand = {
  summary: 'shows the size and state of the table',
  help: `usage: pipeline lake info [options]

Version, rows, files, protocol, schema, checkpoint and index of ids, from the log alone.

${VERSION_HELP}  --format FORMAT    text (the default) or json
${PLACE_HELP}`,

  parse(args) {
    const values = parseOptions(args, {
      ...PLACE_OPTIONS,
      ...VERSION_OPTIONS,
      format: { type: 'string', default: 'text' },
    });
    const format = oneOf('format', values.format, ['text', 'json']);
    const version = versionChoice(values, Date.now());
    return {
      place: values,
      async run(lake) {
        const snapshot = await loadVersion(lake.location, version, lake.signal);
        const facts = await gather(lake, snapshot);
        if (format === 'json') await lake.out.json(facts);
        else for (const line of describe(facts, lake.place.where)) await lake.out.line(line);
        return 0;
      },
    };
  },
};

type Facts = Awaited<ReturnType<typeof gather>>;

async function gather({ location, place, signal }: Lake, snapshot: Snapshot) {
  const { metadata, protocol, fields, version } = snapshot;
  const idColumn = idColumnOf(snapshot);
  const [commit, oldest, checkpoint, index] = await Promise.all([
    readCommit(location, version, signal),
    oldestCommit(location, signal),
    readLastCheckpoint(location, signal),
    idColumn === undefined ? undefined : newestIndex(location, idColumn, signal),
  ]);
  const all = sizeOf(snapshot, () => true);
  const compacted = sizeOf(snapshot, (tags) => idColumn !== undefined && tags?.['sortedBy'] === idColumn);
  const { name, description, id, createdTime, configuration } = metadata;
  return {
    table: place.url,
    name: name ?? null,
    description: description ?? null,
    id,
    created: createdTime === undefined ? null : new Date(createdTime).toISOString(),
    version,
    committed: commit?.commitInfo?.timestamp ? new Date(commit.commitInfo.timestamp).toISOString() : null,
    operation: commit?.commitInfo?.operation ?? null,
    oldestCommit: oldest ?? null,
    ...all,
    compacted,
    uncompacted: {
      files: all.files - compacted.files,
      rows: all.rows === null || compacted.rows === null ? null : all.rows - compacted.rows,
      bytes: all.bytes - compacted.bytes,
    },
    removedFilesKept: snapshot.tombstones.size,
    ids: { column: idColumn ?? null, index: index ?? null },
    protocol,
    checkpoint: checkpoint === undefined ? null : { version: checkpoint, behind: version - checkpoint },
    configuration,
    schema: fields.map(({ name: column, type, nullable, metadata: { comment } }) => ({
      name: column,
      type,
      nullable,
      comment: typeof comment === 'string' ? comment : null,
    })),
  };
}

function sizeOf(
  { files }: Snapshot,
  isMeant: (tags: Readonly<Record<string, string | null>> | undefined) => boolean,
): { files: number; rows: number | null; bytes: number } {
  const size: { files: number; rows: number | null; bytes: number } = { files: 0, rows: 0, bytes: 0 };
  for (const { tags, stats, size: bytes } of files.values()) {
    if (!isMeant(tags)) continue;
    const { numRecords } = parseStats(stats);
    size.files++;
    size.bytes += bytes;
    // other writers may omit the count
    size.rows = size.rows === null || numRecords === undefined ? null : size.rows + numRecords;
  }
  return size;
}

function describe(facts: Facts, where: string): string[] {
  const { compacted, uncompacted, protocol, checkpoint, ids } = facts;
  const part = ({ files, rows, bytes }: typeof compacted): string =>
    `${counted(files, 'file')}, ${rows === null ? 'rows unknown' : counted(rows, 'row')}, ${bytesText(bytes)}`;
  const index = ids.index && `, index of version ${ids.index.version} (${bytesText(ids.index.bytes)})`;
  const features = [...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])];
  const lines: [string, string | undefined][] = [
    ['table', `${facts.table} in ${where}`],
    ['name', [facts.name, facts.description].filter((text) => text !== null).join(': ') || undefined],
    ['id', facts.id],
    [
      'version',
      `${facts.version}${facts.committed ? `, ${facts.committed}` : ''}${facts.operation ? `, ${facts.operation}` : ''}`,
    ],
    ['oldest', facts.oldestCommit === null ? undefined : `version ${facts.oldestCommit}`],
    ['rows', facts.rows === null ? 'unknown: some files have no count' : count(facts.rows)],
    ['size', `${bytesText(facts.bytes)} in ${counted(facts.files, 'file')}`],
    ['compacted', part(compacted)],
    ['not yet', part(uncompacted)],
    ['removed', `${counted(facts.removedFilesKept, 'file')} that older versions still need`],
    ['ids', ids.column === null ? 'no column event_id' : `${ids.column}${index ?? ', no index saved'}`],
    [
      'protocol',
      `reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}${
        features.length > 0 ? `: ${[...new Set(features)].join(', ')}` : ''
      }`,
    ],
    [
      'checkpoint',
      checkpoint === null
        ? 'none'
        : `version ${checkpoint.version}, ${counted(checkpoint.behind, 'commit')} behind`,
    ],
    ...Object.entries(facts.configuration).map(([key, value]): [string, string] => [
      'property',
      `${key} = ${value}`,
    ]),
    ...facts.schema.map(({ name, type, nullable, comment }, at): [string, string] => {
      const kind = typeof type === 'string' ? type : JSON.stringify(type);
      const rest = `${nullable ? '' : ' not null'}${comment === null ? '' : `, ${comment}`}`;
      return [at === 0 ? 'columns' : '', `${name.padEnd(15)} ${kind}${rest}`];
    }),
  ];
  return lines.flatMap(([label, text]) =>
    text === undefined ? [] : [`${label.padEnd(11)} ${printable(text)}`],
  );
}
