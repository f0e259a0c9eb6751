import { describe, expect, test } from 'vitest';
import { ProbeLog, shownFrame } from '../../../../functions/video/media/probe-video.ts';

function probed(log: string): ReturnType<ProbeLog['result']> {
  const reader = new ProbeLog();
  for (const line of log.split('\n')) if (line !== '') reader.line(line);
  return reader.result();
}

/** Output of three generations of ffmpeg for a rotated clip with sound. */
const OF_2018 = `
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'http://127.0.0.1:4000/x':
  Metadata:
    major_brand     : isom
  Duration: 00:01:02.50, start: 0.000000, bitrate: 4034 kb/s
    Stream #0:0(und): Audio: aac (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 96 kb/s (default)
    Stream #0:1(und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 1920x1080 [SAR 1:1 DAR 16:9], 3931 kb/s, 29.97 fps, 29.97 tbr, 30k tbn, 59.94 tbc (default)
    Metadata:
      rotate          : 90
      handler_name    : VideoHandler
    Side data:
      displaymatrix: rotation of -90.00 degrees
Stream mapping:
  Stream #0:1 -> #0:0 (h264 (native) -> wrapped_avframe (native))
[Parsed_showinfo_0 @ 0x2c9bc200] config in time_base: 1/30000, frame_rate: 30000/1001
[Parsed_showinfo_0 @ 0x2c9bc200] config out time_base: 0/0, frame_rate: 0/0
[Parsed_showinfo_0 @ 0x2c9bc200] n:   0 pts:   2002 pts_time:0.0667333 pos:   466167 fmt:yuv420p sar:1/1 s:1080x1920 i:P iskey:1 type:I checksum:408BD4F7 plane_checksum:[EAB5249F 58939082 1FA81FD6] mean:[126 127 126 ] stdev:[59.0 79.8 83.6 ]
[Parsed_showinfo_0 @ 0x2c9bc200] color_range:tv color_space:bt709 color_primaries:bt709 color_trc:bt709
`;
const OF_TODAY = `
Input #0, matroska,webm, from 'http://127.0.0.1:4000/x':
  Duration: 00:00:04.02, start: 5.000000, bitrate: 116 kb/s
  Stream #0:0: Video: hevc (Main 10), yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67, progressive), 720x576 [SAR 16:15 DAR 4:3], 25 fps, 25 tbr, 1k tbn, start 5.040000 (default)
    Metadata:
      ENCODER         : somebody, 9999x9999, Stream #0:7: Audio: none
      DURATION        : 00:00:03.960000000
    Side data:
      Display Matrix: rotation of 90.00 degrees
Stream mapping:
  Stream #0:0 -> #0:0 (hevc (native) -> wrapped_avframe (native))
[Parsed_showinfo_0 @ 0x7fe194001a40] config in time_base: 1/1000, frame_rate: 25/1
[Parsed_showinfo_0 @ 0x7fe194001a40] n:   0 pts:   5040 pts_time:5.04 duration:     40 duration_time:0.04    fmt:yuv420p10le cl:left sar:15/16 s:576x720 i:P iskey:1 type:I checksum:408BD4F7 plane_checksum:[EAB5249F 58939082 1FA81FD6] mean:[126 127 126] stdev:[59.0 79.8 83.6]
[Parsed_showinfo_0 @ 0x7fe194001a40] color_range:tv color_space:bt2020nc color_primaries:bt2020 color_trc:arib-std-b67
`;

describe("ffmpeg's description of a file", () => {
  test('a version of 2018: the mapped stream, its clock, and the size after rotation', () => {
    expect(probed(OF_2018)).toEqual({
      codec: 'h264',
      firstPts: 2_002,
      timeBase: { num: 1, den: 30_000 },
      width: 1_080,
      height: 1_920,
      pixelAspect: 1,
      rotation: 90,
      skewed: false,
      frameRate: 30_000 / 1_001,
      durationSeconds: 62.5,
      hasAudio: true,
      pixelFormat: 'yuv420p',
      color: { matrix: 'bt709', primaries: 'bt709', transfer: 'bt709', rgb: false },
    });
  });

  test('a version of today: the stream’s own duration, the other spelling of rotation, HDR', () => {
    expect(probed(OF_TODAY)).toMatchObject({
      codec: 'hevc',
      firstPts: 5_040,
      pixelAspect: 15 / 16,
      rotation: 270,
      durationSeconds: 3.96,
      hasAudio: false,
      color: { matrix: 'bt2020nc', primaries: 'bt2020', transfer: 'arib-std-b67' },
    });
  });

  test("if the frame does not state its colours, the stream's count", () => {
    const quiet = OF_TODAY.replace(/color_range.*\n/, '\n');
    expect(probed(quiet)?.color).toEqual({
      matrix: 'bt2020nc',
      primaries: 'bt2020',
      transfer: 'arib-std-b67',
      rgb: false,
    });
  });

  test('no frame shown: the result is undefined', () => {
    expect(probed(OF_2018.replace(/.*n: {3}0.*\n/, ''))).toBeUndefined();
  });

  test('however much ffmpeg prints for a file, only the last lines are kept', () => {
    const reader = new ProbeLog();
    for (let line = 0; line < 10_000; line++) reader.line(`[h264 @ 0x1] error while decoding MB ${line}`);
    expect(reader.tail).toHaveLength(40);
  });
});

describe("showinfo's line for a frame", () => {
  test.each([
    [
      '[Parsed_showinfo_2 @ 0x1d40ab40] n:4194 pts:7677210 pts_time:599.782 iskey:0 type:B x',
      7_677_210,
      false,
    ],
    ['[Parsed_showinfo_2 @ 0x1d40ab40] n:   0 pts:   -512 pts_time:-0.04 iskey:1 type:I x', -512, true],
  ])('%s', (line, pts, intra) => {
    expect(shownFrame(line)).toEqual({ pts, intra });
  });

  test.each(['frame=    1 fps=0.0', '    title : [Parsed_showinfo_2 @ 0x1] n: 1 pts: 5 pts_time:1 '])(
    'is not found in: %s',
    (line) => {
      expect(shownFrame(line)).toBeUndefined();
    },
  );
});
