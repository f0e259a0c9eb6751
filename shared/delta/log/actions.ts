import { corrupt } from '../delta-error.ts';
import { type Json, parseJson, stringifyJson } from '../json.ts';

/** The actions of the Delta log that this library understands (PROTOCOL.md, "Actions"). */
export interface Protocol {
  minReaderVersion: number;
  minWriterVersion: number;
  readerFeatures?: string[];
  writerFeatures?: string[];
}

export interface Metadata {
  /** GUID of the table. */
  id: string;
  name?: string;
  description?: string;
  format: { provider: string; options: Record<string, string> };
  schemaString: string;
  partitionColumns: string[];
  configuration: Record<string, string>;
  /** Milliseconds since the epoch. */
  createdTime?: number;
}

export interface AddFile {
  /** Percent-encoded, relative to the table's folder. */
  path: string;
  partitionValues: Record<string, string | null>;
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  modificationTime: number;
  /** False if rows are only rearranged. */
  dataChange: boolean;
  /** JSON text: see stats.ts. */
  stats?: string;
  tags?: Record<string, string | null>;
  /** Present if rows of the file are deleted by a vector; not read by this library. */
  deletionVector?: Json;
}

export interface RemoveFile {
  path: string;
  /** Milliseconds since the epoch. */
  deletionTimestamp?: number;
  dataChange: boolean;
  extendedFileMetadata?: boolean;
  partitionValues?: Record<string, string | null>;
  size?: number;
  deletionVector?: Json;
}

export interface Txn {
  appId: string;
  version: number | bigint;
  lastUpdated?: number;
}

/** Free-form provenance; `txnId` is how a writer knows a commit for its own. */
export interface CommitInfo {
  [key: string]: Json | undefined;
  timestamp?: number;
  operation?: string;
  txnId?: string;
}

export type Action =
  | { commitInfo: CommitInfo }
  | { protocol: Protocol }
  | { metaData: Metadata }
  | { add: AddFile }
  | { remove: RemoveFile }
  | { txn: Txn };

/** One commit file, its actions sorted by kind. */
export interface Commit {
  version: number;
  commitInfo: CommitInfo | undefined;
  protocol: Protocol | undefined;
  metadata: Metadata | undefined;
  adds: AddFile[];
  removes: RemoveFile[];
  txns: Txn[];
}

/** Larger commit files are refused: nothing writes them, and a string cannot hold much more. */
const MAX_COMMIT_BYTES = 256 * 1024 * 1024;

/** The bytes of a commit file: one action a line. */
export function encodeActions(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(actions.map((action) => `${stringifyJson(action)}\n`).join(''));
}

/**
 * Reads a commit file. Unknown actions and fields are skipped, as "Protocol Evolution" asks; anything that
 * breaks the form of a known one is a `corrupt-table`.
 */
export function parseCommit(version: number, body: Uint8Array): Commit {
  if (body.length > MAX_COMMIT_BYTES) {
    throw corrupt(`version ${version} must have at most ${MAX_COMMIT_BYTES} bytes, got ${body.length}`);
  }
  const actions: unknown[] = [];
  const lines = new TextDecoder().decode(body).split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    try {
      actions.push(parseJson(line));
    } catch {
      // neither the line nor the parser's words, which quote it: statistics hold values of rows
      throw corrupt(`version ${version}, line ${index + 1} is not JSON`);
    }
  }
  return collectActions(version, actions, `version ${version}`);
}

/** Sorts parsed actions by kind and checks each one. `where` names their source in messages. */
export function collectActions(version: number, actions: readonly unknown[], where: string): Commit {
  const commit: Commit = {
    version,
    commitInfo: undefined,
    protocol: undefined,
    metadata: undefined,
    adds: [],
    removes: [],
    txns: [],
  };
  for (const action of actions) {
    const { commitInfo, protocol, metaData, add, remove, txn, sidecar } = asObject(action, where);
    if (isPresent(commitInfo)) commit.commitInfo = asObject(commitInfo, where) as CommitInfo;
    if (isPresent(protocol)) commit.protocol = parseProtocol(asObject(protocol, `protocol of ${where}`));
    if (isPresent(metaData)) commit.metadata = parseMetadata(asObject(metaData, `metaData of ${where}`));
    if (isPresent(add)) commit.adds.push(parseAdd(asObject(add, `add of ${where}`), where));
    if (isPresent(remove)) commit.removes.push(parseRemove(asObject(remove, `remove of ${where}`), where));
    if (isPresent(txn)) commit.txns.push(parseTxn(asObject(txn, `txn of ${where}`), where));
    if (isPresent(sidecar)) throw corrupt(`${where} refers to sidecars, which need the v2Checkpoint feature`);
  }
  return commit;
}

type Fields = Record<string, unknown>;

function parseProtocol(fields: Fields): Protocol {
  const { readerFeatures, writerFeatures } = fields;
  return {
    minReaderVersion: integer(fields, 'minReaderVersion', 'protocol'),
    minWriterVersion: integer(fields, 'minWriterVersion', 'protocol'),
    ...(isPresent(readerFeatures) && { readerFeatures: strings(readerFeatures, 'readerFeatures') }),
    ...(isPresent(writerFeatures) && { writerFeatures: strings(writerFeatures, 'writerFeatures') }),
  };
}

function parseMetadata(fields: Fields): Metadata {
  const format = isPresent(fields.format) ? asObject(fields.format, 'format') : {};
  return {
    id: text(fields, 'id', 'metaData'),
    ...(typeof fields.name === 'string' && { name: fields.name }),
    ...(typeof fields.description === 'string' && { description: fields.description }),
    format: {
      provider: typeof format.provider === 'string' ? format.provider : 'parquet',
      options: stringMap(format.options) as Record<string, string>,
    },
    schemaString: text(fields, 'schemaString', 'metaData'),
    partitionColumns: isPresent(fields.partitionColumns)
      ? strings(fields.partitionColumns, 'partitionColumns')
      : [],
    configuration: stringMap(fields.configuration) as Record<string, string>,
    ...optionalInteger(fields, 'createdTime', 'metaData'),
  };
}

function parseAdd(fields: Fields, where: string): AddFile {
  const { stats, tags, deletionVector } = fields;
  const what = `add of ${where}`;
  return {
    path: text(fields, 'path', what),
    partitionValues: stringMap(fields.partitionValues),
    size: integer(fields, 'size', what),
    modificationTime: integer(fields, 'modificationTime', what),
    dataChange: fields.dataChange !== false,
    ...(typeof stats === 'string' && stats !== '' && { stats }),
    ...(isPresent(tags) && { tags: stringMap(tags) }),
    ...(isPresent(deletionVector) && { deletionVector: deletionVector as Json }),
  };
}

function parseRemove(fields: Fields, where: string): RemoveFile {
  const { extendedFileMetadata, partitionValues, deletionVector } = fields;
  const what = `remove of ${where}`;
  return {
    path: text(fields, 'path', what),
    ...optionalInteger(fields, 'deletionTimestamp', what),
    dataChange: fields.dataChange !== false,
    ...(typeof extendedFileMetadata === 'boolean' && { extendedFileMetadata }),
    ...(isPresent(partitionValues) && { partitionValues: stringMap(partitionValues) }),
    ...optionalInteger(fields, 'size', what),
    ...(isPresent(deletionVector) && { deletionVector: deletionVector as Json }),
  };
}

function parseTxn(fields: Fields, where: string): Txn {
  const { version: stated } = fields;
  const version =
    typeof stated === 'bigint' && Number.isSafeInteger(Number(stated)) ? Number(stated) : stated;
  if (typeof version !== 'bigint' && !Number.isSafeInteger(version)) {
    throw corrupt(`version of txn of ${where} must be an integer, got ${describe(version)}`);
  }
  return {
    appId: text(fields, 'appId', `txn of ${where}`),
    version: version as number | bigint,
    ...optionalInteger(fields, 'lastUpdated', `txn of ${where}`),
  };
}

function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function asObject(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw corrupt(`${what} must be an object, got ${describe(value)}`);
}

function text(fields: Fields, key: string, what: string): string {
  const value = fields[key];
  if (typeof value === 'string' && value !== '') return value;
  throw corrupt(`${key} of ${what} must be a string, got ${describe(value)}`);
}

function integer(fields: Fields, key: string, what: string): number {
  const value = typeof fields[key] === 'bigint' ? Number(fields[key]) : fields[key];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw corrupt(`${key} of ${what} must be an integer from 0 to 2^53, got ${describe(fields[key])}`);
}

function optionalInteger<K extends string>(fields: Fields, key: K, what: string): { [key in K]?: number } {
  return isPresent(fields[key]) ? ({ [key]: integer(fields, key, what) } as { [key in K]?: number }) : {};
}

function strings(value: unknown, what: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
  throw corrupt(`${what} must be a list of strings, got ${describe(value)}`);
}

function stringMap(value: unknown): Record<string, string | null> {
  if (!isPresent(value)) return {};
  const entries = Object.entries(asObject(value, 'a map'));
  return Object.fromEntries(entries.map(([key, item]) => [key, isPresent(item) ? textOf(item) : null]));
}

/** Not `String`: an object of a log may have a member `toString`. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : stringifyJson(value);
}

function describe(value: unknown): string {
  const shown = typeof value === 'string' ? JSON.stringify(value) : stringifyJson(value ?? null);
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
}
