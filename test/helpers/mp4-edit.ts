/** Edits of mp4 bytes for clips that lie. */

/** Writes a 32-bit number at an offset in the body of the first box of this type. */
export function setInBox(bytes: Buffer, type: string, offset: number, value: number): Buffer {
  const edited = Buffer.from(bytes);
  edited.writeUInt32BE(value, bodyOf(edited, type) + offset);
  return edited;
}

/** Offset of the body of the first box of this type. */
export function bodyOf(bytes: Buffer, type: string): number {
  const at = bytes.indexOf(type, 0, 'latin1');
  if (at < 0) throw new Error(`no ${type} box`);
  return at + 4;
}

/**
 * Points the only data reference of an mp4 (index last) at another file, as an alias record with
 * an absolute path (QuickTime File Format, "Alias records").
 */
export function pointElsewhere(bytes: Buffer, path: string): Buffer {
  const at = bytes.indexOf('dref', 0, 'latin1') - 4;
  const end = at + bytes.readUInt32BE(at);
  const name = Buffer.from(path, 'utf8');
  const padded = name.length + (name.length % 2);
  const record = Buffer.alloc(150 + 4 + padded + 4);
  // An empty volume name, 63 bytes of file name, then the levels to walk, which are unknown.
  record.writeUInt16BE(0xffff, 10 + 28 + 12 + 64 + 16);
  record.writeUInt16BE(0xffff, 10 + 28 + 12 + 64 + 18);
  const tags = 10 + 28 + 12 + 64 + 16 + 4 + 16;
  record.writeUInt16BE(2, tags);
  record.writeUInt16BE(name.length, tags + 2);
  name.copy(record, tags + 4);
  record.writeUInt16BE(0xffff, tags + 4 + padded);
  const alias = Buffer.alloc(12);
  alias.writeUInt32BE(12 + record.length, 0);
  alias.write('alis', 4, 'latin1');
  const header = Buffer.alloc(16);
  header.writeUInt32BE(16 + 12 + record.length, 0);
  header.write('dref', 4, 'latin1');
  header.writeUInt32BE(1, 12);
  const dref = Buffer.concat([header, alias, record]);

  const edited = Buffer.concat([bytes.subarray(0, at), dref, bytes.subarray(end)]);
  const grown = dref.length - (end - at);
  for (const parent of ['moov', 'trak', 'mdia', 'minf', 'dinf']) {
    const start = edited.indexOf(parent, 0, 'latin1') - 4;
    edited.writeUInt32BE(edited.readUInt32BE(start) + grown, start);
  }
  return edited;
}
