import { AppError } from '../core/errors.ts';
import type { VisionOptions } from './adapters.ts';
import type { ResponseSchema, VisionPart, VisionQuestion } from './vision-model.ts';

/** Newer models are first served in `global`. `apiEndpoint` is always https: `127.0.0.1:8443`. */
export interface GeminiOptions extends VisionOptions {
  /** Thoughts count too, so leave room. Default 8,192. */
  maxOutputTokens?: number | undefined;
  /** How long the model may think. Default: the model's own. */
  thinkingLevel?: 'minimal' | 'low' | 'medium' | 'high' | undefined;
}

/** The request in the REST API's form; both SDKs forward it. */
export interface RestPart {
  text?: string;
  fileData?: { fileUri: string; mimeType: string };
  inlineData?: { data: string; mimeType: string };
  videoMetadata?: { fps: number };
}

export interface RestRequest {
  contents: { role: 'user'; parts: RestPart[] }[];
  generationConfig: {
    responseMimeType: 'application/json';
    responseSchema: ResponseSchema;
    maxOutputTokens: number;
    thinkingConfig?: { thinkingLevel: string };
  };
}

export function toRestRequest(question: VisionQuestion, options: GeminiOptions): RestRequest {
  return {
    contents: [{ role: 'user', parts: question.parts.map(toRestPart) }],
    generationConfig: {
      responseMimeType: 'application/json',
      responseSchema: question.schema,
      maxOutputTokens: options.maxOutputTokens ?? 8_192,
      ...(options.thinkingLevel && {
        thinkingConfig: { thinkingLevel: options.thinkingLevel.toUpperCase() },
      }),
    },
  };
}

/** Host of a location: regions have their own, multi-regions and `global` follow other rules. */
export function vertexHost(options: Pick<GeminiOptions, 'location' | 'apiEndpoint'>): string {
  if (options.apiEndpoint) return options.apiEndpoint;
  if (options.location === 'global') return 'aiplatform.googleapis.com';
  if (options.location === 'us' || options.location === 'eu') {
    return `aiplatform.${options.location}.rep.googleapis.com`;
  }
  return `${options.location}-aiplatform.googleapis.com`;
}

function toRestPart(part: VisionPart): RestPart {
  if ('text' in part) return { text: part.text };
  const media: RestPart =
    'videoUri' in part
      ? { fileData: { fileUri: part.videoUri, mimeType: part.mimeType } }
      : {
          inlineData: {
            data: Buffer.from(part.inline.buffer, part.inline.byteOffset, part.inline.byteLength).toString(
              'base64',
            ),
            mimeType: part.mimeType,
          },
        };
  if (part.fps === undefined) return media;
  if (!(part.fps > 0 && part.fps <= 24)) {
    throw new AppError('invalid-config', `fps must be above 0 and at most 24, got ${part.fps}`);
  }
  return { ...media, videoMetadata: { fps: part.fps } };
}
