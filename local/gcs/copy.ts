import { createReadStream } from 'node:fs';
import { type Answer, type Call, json, jsonBody, type Stores } from './answer.ts';
import { invalid, noSuchObject, required } from './errors.ts';
import { checkName } from './insert.ts';
import { checkPreconditions, int64, parsePreconditions } from './preconditions.ts';
import type { ObjectRecord } from './records.ts';
import { objectResource, parseSettings } from './resource.ts';

interface Place {
  bucket: string;
  name: string;
}

/** `copyTo`, `rewriteTo` and `moveTo`: always complete in one response, whatever the size. */
export async function copyObject(
  stores: Stores,
  from: Place,
  to: Place,
  verb: string,
  call: Call,
): Promise<Answer> {
  const sent = await jsonBody(call);
  const { catalog, bodies } = stores;
  checkName(to.name);
  catalog.bucket(to.bucket);
  const source = catalog.find(from.bucket, from.name);
  const generation = int64(call.query, 'sourceGeneration');
  if (!source || (generation !== undefined && generation.toString() !== source.generation)) {
    throw noSuchObject(from.bucket, from.name, generation);
  }
  checkPreconditions(parsePreconditions(call.query, 'ifSource'), source, 'write');
  checkPreconditions(parsePreconditions(call.query), catalog.find(to.bucket, to.name), 'write');
  const settings = Object.keys(sent).length === 0 ? source.settings : parseSettings(sent);
  settings.contentType ??= source.settings.contentType ?? 'application/octet-stream';
  const { uploadId: _, ...same } = source;
  const record = catalog.commit({
    ...same,
    ...to,
    body: bodies.link(source.body),
    settings,
    storageClass: settings.storageClass ?? source.storageClass,
  });
  if (verb === 'moveTo') catalog.remove(source);
  const resource = objectResource(record, call.base);
  if (verb !== 'rewriteTo') return json(resource);
  const size = String(record.size);
  return json({
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: size,
    objectSize: size,
    done: true,
    resource,
  });
}

/** Joins up to 32 objects into one. */
export async function composeObject(
  stores: Stores,
  bucket: string,
  name: string,
  call: Call,
): Promise<Answer> {
  const { catalog, bodies } = stores;
  const sent = await jsonBody(call);
  checkName(name);
  const sources = parseSources(stores, bucket, sent['sourceObjects']);
  const conditions = parsePreconditions(call.query);
  checkPreconditions(conditions, catalog.find(bucket, name), 'write');
  const destination = sent['destination'];
  const settings = parseSettings(
    typeof destination === 'object' && destination !== null ? { ...destination } : {},
  );
  settings.contentType ??= sources[0]?.settings.contentType ?? 'application/octet-stream';
  // hard links keep the bytes readable, whatever happens to the objects meanwhile
  const parts = sources.map(({ body }) => bodies.link(body));
  const writer = bodies.create();
  try {
    for (const part of parts) {
      for await (const chunk of createReadStream(bodies.path(part))) await writer.write(chunk as Buffer);
    }
    const { md5Hash: _, ...facts } = await writer.finish();
    checkPreconditions(conditions, catalog.find(bucket, name), 'write');
    const storageClass = settings.storageClass ?? 'STANDARD';
    const componentCount = sources.reduce((sum, source) => sum + (source.componentCount ?? 1), 0);
    const record = catalog.commit({ bucket, name, ...facts, storageClass, settings, componentCount });
    return json(objectResource(record, call.base));
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    for (const part of parts) bodies.remove(part);
  }
}

function parseSources({ catalog }: Stores, bucket: string, list: unknown): ObjectRecord[] {
  if (!Array.isArray(list) || list.length === 0) throw required('sourceObjects');
  if (list.length > 32) throw invalid(`a compose request must have at most 32 objects, got ${list.length}`);
  return list.map(
    (item: {
      name?: unknown;
      generation?: unknown;
      objectPreconditions?: { ifGenerationMatch?: unknown };
    }) => {
      if (typeof item?.name !== 'string') throw required('sourceObjects.name');
      const record = catalog.find(bucket, item.name);
      const wanted = item.generation === undefined ? undefined : String(item.generation);
      if (!record || (wanted !== undefined && wanted !== record.generation))
        throw noSuchObject(bucket, item.name);
      const match = item.objectPreconditions?.ifGenerationMatch;
      if (match !== undefined)
        checkPreconditions({ generationMatch: BigInt(String(match)) }, record, 'write');
      return record;
    },
  );
}
