import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../storage/object-store.ts';
import { DeltaError } from '../delta-error.ts';

/** The folder of a table in a store. `path` has no slash at either end; empty means the whole store. */
export interface TableLocation {
  store: ObjectStore;
  path: string;
}

/** A file of `_delta_log`, recognized by its name (PROTOCOL.md, "File Types"). */
export type LogFile =
  | { kind: 'commit'; version: number }
  | { kind: 'checkpoint'; version: number }
  | { kind: 'checkpoint-part'; version: number; part: number; parts: number }
  | { kind: 'v2-checkpoint'; version: number }
  | { kind: 'checksum'; version: number }
  | { kind: 'compacted'; version: number; to: number };

export const LOG_FOLDER = '_delta_log/';
export const LAST_CHECKPOINT = `${LOG_FOLDER}_last_checkpoint`;

/** Name of an object of the table, from its path relative to the table's folder. */
export function objectName(location: TableLocation, relative: string): string {
  return location.path === '' ? relative : `${location.path}/${relative}`;
}

/** Twenty digits, so that names sort as versions do. */
export function padVersion(version: number): string {
  return String(version).padStart(20, '0');
}

export function commitPath(version: number): string {
  return `${LOG_FOLDER}${padVersion(version)}.json`;
}

export function checkpointPath(version: number): string {
  return `${LOG_FOLDER}${padVersion(version)}.checkpoint.parquet`;
}

export function checkpointPartPath(version: number, part: number, parts: number): string {
  const pad = (n: number): string => String(n).padStart(10, '0');
  return `${LOG_FOLDER}${padVersion(version)}.checkpoint.${pad(part)}.${pad(parts)}.parquet`;
}

/** The file that a name inside `_delta_log` stands for; undefined for anything the protocol does not name. */
export function parseLogFile(name: string): LogFile | undefined {
  const match = /^(\d{20})\.(.+)$/.exec(name);
  const version = Number(match?.[1]);
  const rest = match?.[2];
  if (rest === undefined || !Number.isSafeInteger(version)) return undefined;
  if (rest === 'json') return { kind: 'commit', version };
  if (rest === 'crc') return { kind: 'checksum', version };
  if (rest === 'checkpoint.parquet') return { kind: 'checkpoint', version };
  const part = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/.exec(rest);
  if (part) return { kind: 'checkpoint-part', version, part: Number(part[1]), parts: Number(part[2]) };
  if (/^checkpoint\.[\w-]+\.(json|parquet)$/.test(rest)) return { kind: 'v2-checkpoint', version };
  const compacted = /^(\d{20})\.compacted\.json$/.exec(rest);
  if (compacted) return { kind: 'compacted', version, to: Number(compacted[1]) };
  return undefined;
}

/** A name for a new data file. Unique, since data files are never overwritten ("Data Files"). */
export function newDataPath(codec: string): string {
  return `part-00000-${randomUUID()}-c000.${codec}.parquet`;
}

const OFFERED = 'part-v';

/** The same for a file offered to other writers at `version`: names list by version. */
export function newOfferedPath(version: number, codec: string): string {
  return `${OFFERED}${padVersion(version)}-${randomUUID()}-c000.${codec}.parquet`;
}

/** First name that a file offered at `version` or later can have, and what all offered names begin with. */
export function offeredFrom(version: number): { prefix: string; first: string } {
  return { prefix: OFFERED, first: `${OFFERED}${padVersion(Math.max(0, version))}` };
}

/** The version at which a file was offered; undefined for any other name. */
export function offeredVersion(path: string): number | undefined {
  const version = Number(/^part-v(\d{20})-[\w-]+\.\w+\.parquet$/.exec(path)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(version) ? version : undefined;
}

/**
 * The relative path that an `add` or `remove` names: paths in the log are percent-encoded URIs. Absolute
 * ones (shallow clones) are refused, and so is every way out of the table's folder.
 */
export function decodeDataPath(encoded: string): string {
  let path: string;
  try {
    path = decodeURIComponent(encoded);
  } catch (error) {
    throw new DeltaError('corrupt-table', `data file path ${quote(encoded)} must be percent-encoded UTF-8`, {
      cause: error,
    });
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(encoded) || path.startsWith('/')) {
    throw new DeltaError(
      'unsupported-table',
      `data file path ${quote(encoded)} must be relative to the table`,
    );
  }
  if (path === '' || path.split('/').some((part) => part === '..' || part === '.' || part === '')) {
    throw new DeltaError('corrupt-table', `data file path ${quote(encoded)} must stay inside the table`);
  }
  return path;
}

/** A relative path as the log writes it: a percent-encoded URI. */
export function encodeDataPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
