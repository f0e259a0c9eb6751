import { boxesIn, child } from './box-tree.ts';

/** Sample entries of encrypted video: of the common scheme (ISO/IEC 23001-7), and of Apple's. */
const ENCRYPTED_ENTRIES = new Set(['encv', 'drmi']);
/** Bytes of a visual sample entry before the boxes in it (ISO/IEC 14496-12, 12.1.3). */
const VISUAL_ENTRY_BYTES = 78;

/** How a video track's samples are encrypted, from the body of its trak box; undefined if they are clear. */
export function encryptionOf(video: Uint8Array): string | undefined {
  const descriptions = child(video, 'mdia', 'minf', 'stbl', 'stsd')?.subarray(8);
  for (const { type, body } of descriptions ? boxesIn(descriptions) : []) {
    const protection = child(body.subarray(VISUAL_ENTRY_BYTES), 'sinf');
    if (!protection && !ENCRYPTED_ENTRIES.has(type)) continue;
    const scheme = protection && child(protection, 'schm');
    return scheme && scheme.length >= 8 ? Buffer.from(scheme.subarray(4, 8)).toString('latin1') : type;
  }
  return undefined;
}
