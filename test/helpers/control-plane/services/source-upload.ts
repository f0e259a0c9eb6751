import { inflateRawSync } from 'node:zlib';
import { invalid } from '../api-error.ts';
import type { Call } from '../service.ts';
import { type JsonObject, object, text } from '../shapes.ts';

/** Where gcloud uploads a function's source as a zip: a signed address for one upload, without a token. */
export function uploadUrl(call: Call): object {
  const { cloud } = call;
  const { number } = cloud.state.project;
  const location = call.params['location']!;
  const id = `source-${cloud.next()}.zip`;
  const token = (call.headers.authorization ?? '').replace('Bearer ', '');
  const bucket = `gcf-v2-uploads-${number}.${location}.cloudfunctions.appspot.com`;
  cloud.set(`uploads/${id}`, { id, bucket });
  return {
    uploadUrl: `${cloud.url}/storage/sources/${id}?upload_token=${token}`,
    storageSource: { bucket, object: id },
  };
}

/** Receives the zip; keeps its size and names, not its bytes. */
export function receiveSource(call: Call): object {
  const name = `uploads/${call.params['upload']}`;
  const upload = call.cloud.get(name);
  if (upload === undefined) throw invalid('The signed address is not one that was given out.');
  const entries = namesIn(call.raw);
  call.cloud.set(name, { ...upload, bytes: call.raw.length, entries });
  return Buffer.alloc(0);
}

/** The upload of a function's source; the build needs package.json at its top. */
export function uploadedSource(call: Call, source: JsonObject): void {
  const { bucket, object: id } = object(source['storageSource']);
  const stored = call.cloud.state.contents.get(`b/${text(bucket)}/o/${text(id)}`);
  const entries =
    stored === undefined
      ? call.cloud.get(`uploads/${text(id)}`)?.['entries']
      : namesIn(Buffer.from(stored, 'base64'));
  if (!Array.isArray(entries)) throw invalid(`The source ${text(id)} was never uploaded.`);
  if (!entries.includes('package.json')) {
    throw invalid('Build failed: function.js or package.json was not found at the top of the source.');
  }
}

/** Names in a zip, from its central directory. */
function namesIn(zip: Buffer): string[] {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0) throw invalid('The source is not a zip.');
  const names: string[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let i = zip.readUInt16LE(end + 10); i > 0; i--) {
    const length = zip.readUInt16LE(at + 28);
    names.push(zip.toString('utf8', at + 46, at + 46 + length));
    checkEntry(zip, at);
    at += 46 + length + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return names.sort();
}

/** Checks that the entry exists and is complete. */
function checkEntry(zip: Buffer, at: number): void {
  const [packed, size, local] = [
    zip.readUInt32LE(at + 20),
    zip.readUInt32LE(at + 24),
    zip.readUInt32LE(at + 42),
  ];
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const bytes = zip.subarray(start, start + packed);
  const method = zip.readUInt16LE(at + 10);
  const whole = method === 8 ? inflateRawSync(bytes).length : bytes.length;
  if (whole !== size) throw invalid('The zip is damaged.');
}
