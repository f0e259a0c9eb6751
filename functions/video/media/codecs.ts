/**
 * Decoders that ffmpeg may use, by its own names: for the codecs of cameras, phones, screen recorders, editors and
 * video sites, past and present. The several hundred others decode single pictures, games and studio formats: old
 * code that only an attacker's file would reach. Audio decoders are allowed only while a clip is cut. A name unknown to
 * a build is harmless.
 */
export const CODECS: readonly string[] = [
  // current phones, cameras and sites
  ...['h264', 'hevc', 'vp8', 'vp9', 'libvpx', 'libvpx-vp9', 'av1', 'libdav1d', 'libaom-av1'],
  // older cameras, phones and sites
  ...['mpeg4', 'mpeg2video', 'mpeg1video', 'h263', 'h263i', 'h263p', 'dvvideo', 'mjpeg', 'mjpegb', 'theora'],
  ...[
    'msmpeg4',
    'msmpeg4v2',
    'msmpeg4v1',
    'wmv1',
    'wmv2',
    'wmv3',
    'vc1',
    'svq1',
    'svq3',
    'cinepak',
    'vp6',
    'vp6f',
  ],
  // editors and archives
  ...['prores', 'dnxhd', 'cfhd', 'ffv1', 'huffyuv', 'ffvhuff', 'utvideo', 'magicyuv'],
  ...['rawvideo', 'v210', 'qtrle', 'png'],
  // screen recorders
  ...['camtasia', 'tscc2', 'camstudio', 'mss1', 'mss2', 'msvideo1', 'msrle'],
];

/** Audio decoders, for clips only. */
export const AUDIO_CODECS: readonly string[] = [
  ...['aac', 'mp3', 'mp3float', 'mp2', 'mp2float', 'ac3', 'eac3', 'opus', 'libopus', 'vorbis', 'libvorbis'],
  ...['flac', 'alac', 'amrnb', 'amrwb', 'libopencore_amrnb', 'libopencore_amrwb'],
  ...['pcm_s16le', 'pcm_s16be', 'pcm_s24le', 'pcm_s24be', 'pcm_u8', 'pcm_f32le', 'pcm_alaw', 'pcm_mulaw'],
  ...['adpcm_ima_qt', 'adpcm_ima_wav', 'adpcm_ms'],
];

/** The part of the list that a refusal names. */
export const COMMON_CODECS = 'h264, hevc, av1, vp9, vp8, mpeg4, mpeg2video, mjpeg, prores, dvvideo';
