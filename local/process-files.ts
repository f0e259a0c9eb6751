import { basename } from 'node:path';
import type { Manifest } from '../functions/video/manifest.ts';
import { asManifest } from '../functions/video/manifest-shape.ts';
import { counted } from '../shared/core/counted.ts';
import { BUCKETS, type LocalCloud } from './cloud.ts';
import { type Copy, type CopyOptions, copyOut } from './copy-out.ts';
import { uploadFile } from './upload.ts';
import type { Outcome, UploadTracker } from './uploads.ts';

export interface ProcessedFile {
  file: string;
  /** Absent if the event was given up. */
  manifest?: Manifest;
  /** Manifests of the upload's further questions, in the order of their names. */
  further?: Manifest[];
  /** Reason why there is no manifest. */
  failure?: string;
  /** Local copies of the frames, contact sheets and the manifest. */
  copies: string[];
}

export interface ProcessOptions {
  /** Object name to upload it under. */
  name?: string;
  /** Custom metadata of the upload: `moment`, `max-moments`, `contact-sheet`. */
  metadata?: Record<string, string>;
  /** Folder for the copies. */
  out: string;
}

/** Uploads one file, waits until it is processed and copies the results. */
export async function processFile(
  cloud: LocalCloud,
  tracker: UploadTracker,
  file: string,
  options: ProcessOptions,
): Promise<ProcessedFile> {
  const { name, generation } = await uploadFile(file, {
    apiEndpoint: cloud.endpoints.gcs,
    bucket: BUCKETS.raw,
    name: options.name ?? basename(file),
    ...(options.metadata && { metadata: options.metadata }),
  });
  return { file, ...(await collect(cloud, await tracker.settled(name, generation), options.out)) };
}

/** Reads the manifest of a processed upload, and copies it and its images to a folder. Throws CopyError. */
export async function collect(
  cloud: LocalCloud,
  outcome: Outcome,
  out: string,
  options: CopyOptions = {},
): Promise<Omit<ProcessedFile, 'file'>> {
  if (outcome.kind === 'dead-letter') {
    return {
      failure: `given up after ${counted(outcome.attempts, 'attempt')}: ${outcome.reason}`,
      copies: [],
    };
  }
  const frames = cloud.storage.bucket(BUCKETS.frames);
  const where = `gs://${BUCKETS.frames}/${outcome.name}`;
  const stored = await frames.get(outcome.name);
  if (!stored) throw new Error(`${where} is gone`);
  const manifest = asManifest(JSON.parse(Buffer.from(stored.body).toString()), where);
  const folder = outcome.name.slice(0, -'manifest.json'.length);
  const further: Manifest[] = [];
  for await (const { name } of frames.list({ prefix: `${folder}q-` })) {
    const found = name.endsWith('/manifest.json') ? await frames.get(name) : undefined;
    if (found) further.push(asManifest(JSON.parse(Buffer.from(found.body).toString()), name));
  }
  const moments = [manifest, ...further].flatMap((one) => one.moments);
  const images = moments.flatMap(({ frame, copies: others = [], contactSheet, preview, clip }) =>
    [frame, ...others, contactSheet, preview, clip].flatMap((image) => image?.name ?? []),
  );
  const copies: Copy[] = [];
  for (const object of [...images, outcome.name]) {
    const found = object === outcome.name ? stored : await frames.get(object);
    if (found) copies.push({ object, body: found.body });
  }
  const paths = await copyOut(out, copies, options);
  return { manifest, ...(further.length > 0 && { further }), copies: paths };
}
