import type { AnswerSchema } from './answer-by-schema.ts';
import { GoogleError } from './google-error.ts';

export type AskedPart =
  | { kind: 'text'; text: string }
  | { kind: 'image'; bytes: Buffer; mimeType: string }
  | { kind: 'video'; uri: string; fps: number }
  | { kind: 'inline-video'; bytes: Buffer; fps: number };

export interface AskedQuestion {
  parts: AskedPart[];
  schema: AnswerSchema | undefined;
  maxOutputTokens: number | undefined;
}

/** Parses a generateContent body, with Google's own errors for invalid ones. */
export function parseQuestion(body: string): AskedQuestion {
  const request = record(parseJson(body));
  const contents = Array.isArray(request['contents']) ? request['contents'] : [];
  const parts = contents.flatMap((content: unknown) => {
    const role = record(content)['role'];
    if (role !== 'user' && role !== 'model') throw invalid('Please use a valid role: user, model.');
    const list = record(content)['parts'];
    return Array.isArray(list) ? list.map(parsePart) : [];
  });
  if (parts.length === 0) throw invalid('Unable to submit request because it must have a contents field.');
  const config = record(request['generationConfig']);
  const { responseMimeType, responseSchema, maxOutputTokens } = config;
  if (responseSchema !== undefined && responseMimeType !== 'application/json') {
    throw invalid(
      `Unable to submit request because controlled generation is not supported with a response MIME type of ${String(responseMimeType)}. Supported response MIME types are application/json.`,
    );
  }
  return {
    parts,
    schema: responseSchema === undefined ? undefined : (record(responseSchema) as AnswerSchema),
    maxOutputTokens: typeof maxOutputTokens === 'number' ? maxOutputTokens : undefined,
  };
}

/** Splits `gs://bucket/a/b.mp4` into bucket and object name; the name is not percent-decoded. */
export function parseGsUri(uri: string): { bucket: string; name: string } {
  const found = /^gs:\/\/([^/]+)\/([\s\S]+)$/.exec(uri);
  if (!found?.[1] || !found[2]) throw invalid(`Invalid or unsupported file uri: ${uri}`);
  return { bucket: found[1], name: found[2] };
}

function parsePart(value: unknown): AskedPart {
  const part = record(value);
  if (typeof part['text'] === 'string') return { kind: 'text', text: part['text'] };
  if (part['fileData'] !== undefined) {
    const { fileUri, mimeType } = record(part['fileData']);
    if (typeof fileUri !== 'string') throw invalid('The fileUri of file_data is missing.');
    if (!isVideo(mimeType)) throw unsupported(mimeType);
    return { kind: 'video', uri: fileUri, fps: fpsOf(part) };
  }
  if (part['inlineData'] !== undefined) {
    const { data, mimeType } = record(part['inlineData']);
    if (typeof data !== 'string') throw invalid('The data of inline_data is missing.');
    const bytes = Buffer.from(data, 'base64');
    if (isVideo(mimeType)) return { kind: 'inline-video', bytes, fps: fpsOf(part) };
    if (/^image\/(jpeg|png|webp)$/.test(String(mimeType))) {
      return { kind: 'image', bytes, mimeType: String(mimeType) };
    }
    throw unsupported(mimeType);
  }
  throw invalid('Unable to submit request because it has an empty part.');
}

function fpsOf(part: Record<string, unknown>): number {
  const fps = record(part['videoMetadata'])['fps'];
  if (fps === undefined) return 1;
  if (typeof fps !== 'number' || !(fps > 0 && fps <= 24)) {
    throw invalid(`fps is ${String(fps)}; it must be in the range (0.0, 24.0].`);
  }
  return fps;
}

function isVideo(mimeType: unknown): boolean {
  return (
    typeof mimeType === 'string' &&
    /^video\/(mp4|mov|quicktime|mpeg|mpg|mpegs|webm|x-matroska|x-msvideo|avi|x-flv|wmv|3gpp)$/.test(mimeType)
  );
}

function unsupported(mimeType: unknown): GoogleError {
  return invalid(
    `Unable to submit request because it has a mimeType parameter with value ${String(mimeType)}, which is not supported.`,
  );
}

function invalid(message: string): GoogleError {
  return new GoogleError('INVALID_ARGUMENT', message);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw invalid('Invalid JSON payload received.');
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
