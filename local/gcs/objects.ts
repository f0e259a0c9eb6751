import { type Answer, type Call, empty, json, jsonBody, type Stores } from './answer.ts';
import { noSuchObject } from './errors.ts';
import { checkPreconditions, int64, parsePreconditions } from './preconditions.ts';
import type { ObjectRecord } from './records.ts';
import { objectResource, parseSettings, patchSettings } from './resource.ts';

/** The live object of a request, after checking its generation and preconditions. */
export function findObject(
  { catalog }: Stores,
  bucket: string,
  name: string,
  query: URLSearchParams,
  purpose: 'read' | 'write',
): ObjectRecord {
  const generation = int64(query, 'generation');
  const live = catalog.find(bucket, name);
  if (!live || (generation !== undefined && generation.toString() !== live.generation)) {
    throw noSuchObject(bucket, name, generation);
  }
  checkPreconditions(parsePreconditions(query), live, purpose);
  return live;
}

export function getObject(stores: Stores, bucket: string, name: string, call: Call): Answer {
  return json(objectResource(findObject(stores, bucket, name, call.query, 'read'), call.base));
}

export async function patchObject(stores: Stores, bucket: string, name: string, call: Call): Promise<Answer> {
  const sent = await jsonBody(call);
  const live = findObject(stores, bucket, name, call.query, 'write');
  const settings = call.method === 'PUT' ? parseSettings(sent) : patchSettings(live.settings, sent);
  return json(objectResource(stores.catalog.update(live, settings), call.base));
}

export function deleteObject(stores: Stores, bucket: string, name: string, call: Call): Answer {
  stores.catalog.remove(findObject(stores, bucket, name, call.query, 'write'));
  return empty(204);
}
