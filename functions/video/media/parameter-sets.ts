import { BitReader } from './bit-reader.ts';

/**
 * Frames that a decoder must keep for reference, as stated in the sequence parameter set of an H.264 or HEVC
 * stream; undefined if `config` (an avcC or hvcC record, ISO/IEC 14496-15) contains no readable one. The maximum
 * over all sets.
 */
export function statedReferences(codec: string, config: Uint8Array): number | undefined {
  const read = codec === 'h264' ? avcReferences : codec === 'hevc' ? hevcReferences : undefined;
  const sets = codec === 'h264' ? avcSets(config) : hevcSets(config);
  const counts = read ? sets.map(read).filter((one) => one !== undefined) : [];
  return counts.length === 0 ? undefined : Math.max(...counts);
}

/** Sequence parameter sets read per record: usually there is one. */
const MAX_SETS = 16;
const HEVC_SPS = 33;

function avcSets(config: Uint8Array): Uint8Array[] {
  if (config[0] !== 1) return [];
  return units(config, 6, (config[5] ?? 0) & 0x1f).sets;
}

function hevcSets(config: Uint8Array): Uint8Array[] {
  const arrays = config[22] ?? 0;
  const found: Uint8Array[] = [];
  let at = 23;
  for (let array = 0; array < arrays && at + 3 <= config.length && found.length < MAX_SETS; array++) {
    const type = config[at]! & 0x3f;
    const { sets, end } = units(config, at + 3, config[at + 1]! * 256 + config[at + 2]!);
    if (type === HEVC_SPS) found.push(...sets);
    at = end;
  }
  return found;
}

/** Units with a 16-bit length prefix each. */
function units(config: Uint8Array, from: number, count: number): { sets: Uint8Array[]; end: number } {
  const sets: Uint8Array[] = [];
  let at = from;
  for (let one = 0; one < count && at + 2 <= config.length; one++) {
    const length = config[at]! * 256 + config[at + 1]!;
    if (sets.length < MAX_SETS) sets.push(config.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { sets, end: at };
}

const PROFILES_WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** `max_num_ref_frames` (ITU-T H.264, 7.3.2.1.1). */
function avcReferences(unit: Uint8Array): number | undefined {
  const bits = BitReader.ofUnit(unit, 1);
  const profile = bits.read(8);
  bits.skip(16);
  bits.golomb();
  if (PROFILES_WITH_CHROMA.has(profile)) {
    const chroma = bits.golomb();
    if (chroma === 3) bits.skip(1);
    bits.golomb();
    bits.golomb();
    bits.skip(1);
    if (bits.read(1) === 1) skipScalingLists(bits, chroma === 3 ? 12 : 8);
  }
  bits.golomb();
  const order = bits.golomb();
  if (order === 0) bits.golomb();
  if (order === 1) {
    bits.skip(1);
    bits.golomb();
    bits.golomb();
    const cycle = bits.golomb();
    for (let one = 0; one < cycle && !bits.ended; one++) bits.golomb();
  }
  const references = bits.golomb();
  return bits.ended ? undefined : references;
}

function skipScalingLists(bits: BitReader, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (bits.read(1) === 0) continue;
    let next = 8;
    for (let entry = 0; entry < (list < 6 ? 16 : 64) && next !== 0; entry++) {
      const code = bits.golomb();
      next = (next + (code % 2 === 1 ? (code + 1) / 2 : -code / 2) + 256) % 256;
    }
  }
}

/** The largest `sps_max_dec_pic_buffering` of its layers (ITU-T H.265, 7.3.2.2). */
function hevcReferences(unit: Uint8Array): number | undefined {
  const bits = BitReader.ofUnit(unit, 2);
  bits.skip(4);
  const layers = bits.read(3);
  bits.skip(1);
  skipProfile(bits, layers);
  bits.golomb();
  if (bits.golomb() === 3) bits.skip(1);
  bits.golomb();
  bits.golomb();
  if (bits.read(1) === 1) for (let side = 0; side < 4; side++) bits.golomb();
  for (let one = 0; one < 3; one++) bits.golomb();
  const each = bits.read(1) === 1;
  let most = 0;
  for (let layer = each ? 0 : layers; layer <= layers; layer++) {
    most = Math.max(most, bits.golomb() + 1);
    bits.golomb();
    bits.golomb();
  }
  return bits.ended ? undefined : most;
}

/** `profile_tier_level`. */
function skipProfile(bits: BitReader, layers: number): void {
  bits.skip(96);
  if (layers === 0) return;
  const present = Array.from({ length: layers }, () => ({ profile: bits.read(1), level: bits.read(1) }));
  bits.skip(2 * (8 - layers));
  for (const { profile, level } of present) bits.skip(88 * profile + 8 * level);
}
