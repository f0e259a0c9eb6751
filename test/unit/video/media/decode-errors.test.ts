import { expect, test } from 'vitest';
import { isDecodeError } from '../../../../functions/video/media/decode-frames.ts';

test.each([
  '[h264 @ 0x564ce813c940] error while decoding MB 2 4, bytestream 209',
  '[h264 @ 0x55fc3cd1b500] concealing 60 DC, 60 AC, 60 MV errors in P frame',
  '[h264 @ 0x55fc3cd1b500] no frame!',
  '[mpeg4 @ 0x3f6d0c0] ac-tex damaged at 4 2',
  '[hevc @ 0x3f6d0c0] The cu_qp_delta -33 is outside the valid range [-32, 31]: invalid data',
  'Error while decoding stream #0:0: Invalid data found when processing input',
  '[vist#0:0/h264 @ 0x5581] [dec:h264 @ 0x5582] Error submitting packet to decoder: Invalid data found',
])('%s: a decoder complains', (line) => {
  expect(isDecodeError(line)).toBe(true);
});

test.each([
  '[h264 @ 0x564ce813c940] using cpu capabilities: MMX2 SSE2Fast SSSE3 SSE4.2 AVX',
  '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x5590] error reading header',
  '[mov @ 0x5590] missing mvhd',
  '[swscaler @ 0x5590] deprecated pixel format used, make sure you did set range correctly',
  '[Parsed_showinfo_2 @ 0x5590] n:   0 pts:   1024 pts_time:0.08 type:P corrupt',
  '[http @ 0x5590] Stream ends prematurely at 5000, should be 6000',
  '    title           : error while decoding MB 2 4',
  'Stream mapping:',
])('%s: no decoder complains', (line) => {
  expect(isDecodeError(line)).toBe(false);
});
