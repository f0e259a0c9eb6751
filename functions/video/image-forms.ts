import type { FrameFormat } from './media/encode-frame.ts';

/** A format and the maximum width of an image, in pixels; undefined keeps the picture's own. */
export interface ImageForm {
  format: FrameFormat;
  width?: number;
}

const FORMATS: Readonly<Record<string, FrameFormat>> = {
  png: 'png',
  jpeg: 'jpeg',
  jpg: 'jpeg',
  webp: 'webp',
  avif: 'avif',
};

/** A form as text: `webp@320`, or `webp`. */
export function formText({ format, width }: ImageForm): string {
  return width === undefined ? format : `${format}@${width}`;
}

/** Reads `webp` or `webp@320`, in either case; undefined for anything else. */
export function parseImageForm(text: string): ImageForm | undefined {
  const [, name = '', width] = /^([a-z]{3,4})(?:@([1-9]\d{0,4}))?$/.exec(text.trim().toLowerCase()) ?? [];
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (format === undefined) return undefined;
  return { format, ...(width !== undefined && { width: Number(width) }) };
}
