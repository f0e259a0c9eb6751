export type Container = 'mp4' | 'matroska' | 'avi';

export type Sniffed =
  | { kind: 'video'; container: Container; demuxer: 'mov' | 'matroska' | 'avi' }
  | { kind: 'other'; found: string };

/** Bytes of the beginning that `sniffContainer` inspects. */
export const SNIFF_BYTES = 512;

const FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot']);
const PICTURE_BRANDS = new Set(['heic', 'heix', 'heim', 'heis', 'mif1', 'avif', 'avis', 'crx ']);

const SIGNATURES: readonly (readonly [bytes: string, found: string])[] = [
  ['#EXTM3U', 'an HLS playlist'],
  ['#EXT-X-', 'an HLS playlist'],
  ['ffconcat', 'a concat script'],
  ['[playlist]', 'a playlist'],
  ['[Reference]', 'a playlist'],
  ['PK\x03\x04', 'a zip archive'],
  ['PK\x05\x06', 'a zip archive'],
  ['\x1f\x8b', 'a gzip archive'],
  ['Rar!', 'a RAR archive'],
  ["7z\xbc\xaf'\x1c", 'a 7z archive'],
  ['%PDF', 'a PDF document'],
  ['\x89PNG', 'a PNG picture'],
  ['\xff\xd8\xff', 'a JPEG picture'],
  ['GIF8', 'a GIF picture'],
  ['BM', 'a BMP picture'],
  ['\x00\x00\x00\x0cjP  ', 'a JPEG 2000 picture'],
  ['OggS', 'an Ogg file'],
  ['fLaC', 'a FLAC file'],
  ['ID3', 'an MP3 file'],
  ['FLV\x01', 'a Flash video'],
  ['0&\xb2u\x8ef\xcf\x11', 'a Windows Media file'],
  ['\x00\x00\x01\xba', 'an MPEG program stream'],
  ['\x00\x00\x01\xb3', 'a bare MPEG video stream'],
  ['\x00\x00\x00\x01', 'a bare H.264 or HEVC stream'],
  ['.RMF', 'a RealMedia file'],
  ['\x7fELF', 'a program'],
  ['MZ', 'a program'],
  ['#!', 'a script'],
];

/**
 * Identifies the container by its first bytes. Only three kinds ever reach ffmpeg, each with its demuxer fixed:
 * formats that can name other files (playlists, concat scripts, SVG and the like) never do.
 */
export function sniffContainer(head: Uint8Array): Sniffed {
  const text = Buffer.from(head.subarray(0, SNIFF_BYTES)).toString('latin1');
  const type = text.slice(4, 8);
  if (text.startsWith('\x1aE\xdf\xa3')) return matroska(text);
  if (text.startsWith('RIFF')) {
    const form = text.slice(8, 12);
    if (form === 'AVI ') return { kind: 'video', container: 'avi', demuxer: 'avi' };
    return {
      kind: 'other',
      found: form === 'WAVE' ? 'a WAV file' : `a RIFF file of type ${printable(form)}`,
    };
  }
  // Only the sample data and the index can exceed the 16 MB of a three-byte size: a text with the right four
  // letters in the right place is no video.
  if (FIRST_BOXES.has(type) && (text.startsWith('\0') || type === 'mdat' || type === 'moov')) {
    const brand = text.slice(8, 12);
    if (type === 'ftyp' && PICTURE_BRANDS.has(brand)) return { kind: 'other', found: `a picture (${brand})` };
    return { kind: 'video', container: 'mp4', demuxer: 'mov' };
  }
  return { kind: 'other', found: describe(text) };
}

function matroska(text: string): Sniffed {
  if (text.includes('webm') || text.includes('matroska')) {
    return { kind: 'video', container: 'matroska', demuxer: 'matroska' };
  }
  return { kind: 'other', found: 'an EBML file that is neither Matroska nor WebM' };
}

function describe(text: string): string {
  for (const [bytes, found] of SIGNATURES) if (text.startsWith(bytes)) return found;
  if (text.charAt(0) === 'G' && text.charAt(188) === 'G') return 'an MPEG transport stream';
  const start = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^#EXTM3U/i.test(start)) return 'an HLS playlist';
  if (/^ffconcat/i.test(start) || /^file\s+\S/.test(start)) return 'a concat script';
  if (/^<(!doctype html|html|head|body)/i.test(start)) return 'an HTML page';
  if (/<svg[\s>]/i.test(start)) return 'an SVG picture';
  if (start.startsWith('<MPD') || start.includes('urn:mpeg:dash')) return 'a DASH manifest';
  if (start.startsWith('<')) return 'an XML or HTML text';
  if (/^[\x20-\x7e\x80-\xff\s]*$/.test(text)) return 'a text';
  return `bytes that start ${Buffer.from(text.slice(0, 8), 'latin1').toString('hex')}`;
}

function printable(text: string): string {
  return JSON.stringify(text);
}
