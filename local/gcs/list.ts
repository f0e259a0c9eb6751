import { compareNames } from '../../shared/storage/object-name.ts';
import { type Answer, type Call, json, type Stores } from './answer.ts';
import { type Bucket, lowerBound } from './catalog.ts';
import { invalid } from './errors.ts';
import { int64 } from './preconditions.ts';
import type { ObjectResource } from './records.ts';
import { objectResource } from './resource.ts';

const PAGE = 1000;

/** `GET /b/{bucket}/o`: names in UTF-8 order; a page holds both items and prefixes. */
export function listObjects({ catalog }: Stores, bucketName: string, call: Call): Answer {
  const bucket = catalog.bucket(bucketName);
  const { names, objects } = bucket;
  const prefix = call.query.get('prefix') ?? '';
  const delimiter = call.query.get('delimiter') ?? '';
  const endOffset = call.query.get('endOffset') ?? '';
  const trailing = call.query.get('includeTrailingDelimiter') === 'true';
  const wanted = Number(int64(call.query, 'maxResults') ?? PAGE);
  if (wanted < 1)
    throw invalid(`Invalid value for maxResults: must be 1 or more, got ${wanted}`, 'maxResults');
  const max = Math.min(wanted, PAGE);

  const items: ObjectResource[] = [];
  const prefixes: string[] = [];
  let nextPageToken: string | undefined;
  let at = firstName(bucket, prefix, call.query);
  while (at < names.length) {
    const name = names[at]!;
    if (!name.startsWith(prefix) || (endOffset !== '' && compareNames(name, endOffset) >= 0)) break;
    if (items.length + prefixes.length >= max) {
      nextPageToken = Buffer.from(name).toString('base64url');
      break;
    }
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (cut === -1) {
      items.push(objectResource(objects.get(name)!, call.base));
      at++;
      continue;
    }
    const folder = name.slice(0, cut + delimiter.length);
    prefixes.push(folder);
    if (trailing && name === folder) items.push(objectResource(objects.get(name)!, call.base));
    at = afterPrefix(names, at, folder);
  }
  return json({
    kind: 'storage#objects',
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
    ...(prefixes.length === 0 ? {} : { prefixes }),
    ...(items.length === 0 ? {} : { items }),
  });
}

function firstName({ names }: Bucket, prefix: string, query: URLSearchParams): number {
  const token = query.get('pageToken') ?? '';
  const from = [prefix, query.get('startOffset') ?? '', Buffer.from(token, 'base64url').toString('utf8')];
  return Math.max(...from.map((name) => lowerBound(names, name)));
}

/** Index of the first name after `at` that does not start with `prefix`. */
function afterPrefix(names: readonly string[], at: number, prefix: string): number {
  let [low, high] = [at + 1, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle]!.startsWith(prefix)) low = middle + 1;
    else high = middle;
  }
  return low;
}
