import type { Detection } from '../../functions/video/detect.ts';
import type { Manifest } from '../../functions/video/manifest.ts';
import { videoNames } from '../../functions/video/records.ts';
import { BUCKETS } from '../../local/cloud.ts';
import type { Pipeline } from '../helpers/pipeline.ts';

/** Describes what is wrong with one upload's outcome; empty if it ended exactly once. */
export async function violations(
  pipeline: Pipeline,
  upload: { name: string; generation: string },
): Promise<string[]> {
  const frames = pipeline.cloud.storage.bucket(BUCKETS.frames);
  const state = pipeline.cloud.storage.bucket(BUCKETS.state);
  const names = videoNames({ bucket: BUCKETS.raw, ...upload });
  const read = async <T>(store: typeof frames, name: string): Promise<T | undefined> => {
    const stored = await store.get(name);
    return stored && (JSON.parse(Buffer.from(stored.body).toString()) as T);
  };
  const manifest = await read<Manifest>(frames, names.manifest);
  if (!manifest) return [`${upload.name}: no manifest`];
  const found: string[] = [];
  if (manifest.outcome !== 'framed') found.push(`${upload.name}: outcome ${manifest.outcome}`);
  const detection = await read<Detection>(state, names.detection);
  const decided = detection?.moments.map(({ chosenSeconds }) => chosenSeconds);
  const framed = manifest.moments.map(({ chosenSeconds }) => chosenSeconds);
  if (JSON.stringify(decided) !== JSON.stringify(framed)) {
    found.push(`${upload.name}: decided ${decided}, framed ${framed}`);
  }
  const wanted = new Map(manifest.moments.map(({ frame }) => [frame.name, frame.crc32c]));
  for await (const object of frames.list({ prefix: `${upload.name}/` })) {
    if (object.name === names.manifest) continue;
    const crc32c = wanted.get(object.name);
    if (crc32c === undefined) found.push(`${upload.name}: extra ${object.name}`);
    else if (crc32c !== object.crc32c)
      found.push(`${upload.name}: ${object.name} is not what the manifest says`);
    wanted.delete(object.name);
  }
  for (const missing of wanted.keys()) found.push(`${upload.name}: missing ${missing}`);
  return found;
}
