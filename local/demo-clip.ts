import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface DemoClipOptions {
  /** Ends in `.mp4`. */
  path: string;
  ffmpeg: string;
}

const WIDTH = 640;
const HEIGHT = 360;
const RATE = 25;
const SECONDS = 8;

/**
 * The moment: shown from the first to the second of these times. Gemini samples one frame per second, so the span
 * must include a full second.
 */
export const DEMO_MOMENT = { from: 4.7, to: 5.3, shows: '67' } as const;

type Rgb = readonly [red: number, green: number, blue: number];

/**
 * Eight quiet seconds on a lake at dusk, 640 x 360, silent: a boat drifts, the sun sinks a little. For six tenths
 * of a second something else fills the screen.
 */
export async function makeDemoClip({ path, ffmpeg }: DemoClipOptions): Promise<void> {
  const child = spawn(
    ffmpeg,
    [
      ...['-hide_banner', '-nostats', '-loglevel', 'error', '-y'],
      ...[
        '-f',
        'rawvideo',
        '-pix_fmt',
        'rgb24',
        '-s',
        `${WIDTH}x${HEIGHT}`,
        '-r',
        String(RATE),
        '-i',
        'pipe:0',
      ],
      ...['-vf', 'scale=out_color_matrix=bt709,format=yuv420p'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-g', '50', '-bf', '2'],
      ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
      ...['-movflags', '+faststart', path],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const closed = once(child, 'close');
  // If ffmpeg ends early, its exit code reports it.
  child.stdin.on('error', () => undefined);
  const backdrop = paintBackdrop();
  const angles = anglesAroundCenter();
  for (let frame = 0; frame < SECONDS * RATE && child.exitCode === null; frame++) {
    const time = frame / RATE;
    const shown = time >= DEMO_MOMENT.from && time < DEMO_MOMENT.to;
    const picture = shown ? paintMoment(angles, time) : paintLake(backdrop, time);
    if (!child.stdin.write(picture)) await Promise.race([once(child.stdin, 'drain'), closed]);
  }
  child.stdin.end();
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg failed to make the demo clip: ${said.trim() || `exit ${code}`}`);
}

const HORIZON = 220;

/** Sky, hills and water: the static parts. */
function paintBackdrop(): Buffer {
  const picture = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    const sky = mix([38, 44, 88], [244, 160, 110], (y / HORIZON) ** 1.4);
    const water = mix([196, 128, 104], [24, 34, 66], ((y - HORIZON) / (HEIGHT - HORIZON)) ** 0.6);
    for (let x = 0; x < WIDTH; x++) put(picture, x, y, y < HORIZON ? sky : water);
  }
  for (let x = 0; x < WIDTH; x++) {
    const far = HORIZON - 26 - 14 * Math.sin(x / 90) - 8 * Math.sin(x / 37 + 1);
    const near = HORIZON - 8 - 10 * Math.sin(x / 130 + 2) - 5 * Math.sin(x / 51);
    for (let y = Math.floor(far); y < HORIZON; y++) {
      put(picture, x, y, y >= near ? [44, 42, 66] : [92, 74, 96]);
    }
  }
  return picture;
}

function paintLake(backdrop: Buffer, time: number): Buffer {
  const picture = Buffer.from(backdrop);
  const sun = { x: 452, y: 128 + time * 2, radius: 26 };
  for (let y = -60; y <= 60; y++) {
    for (let x = -60; x <= 60; x++) {
      const distance = Math.hypot(x, y) - sun.radius;
      const row = Math.round(sun.y) + y;
      if (distance > 32 || row >= HORIZON - 40) continue;
      blend(picture, sun.x + x, row, [255, 226, 170], distance <= 0 ? 1 : 0.45 * (1 - distance / 32) ** 2);
    }
  }
  for (let y = HORIZON; y < HEIGHT; y += 3) {
    const depth = (y - HORIZON) / (HEIGHT - HORIZON);
    for (let x = 0; x < WIDTH; x++) {
      const wave = Math.sin(x / (14 + 40 * depth) + y * 0.9 + time * 1.6) + Math.sin(x / 23 - y + time);
      if (wave <= 0.7) continue;
      const glow = Math.exp(-(((x - sun.x) / (30 + 60 * depth)) ** 2));
      blend(picture, x, y, [255, 214, 160], (wave - 0.7) * (0.1 + 0.35 * glow));
    }
  }
  paintBoat(picture, 120 + time * 9, HORIZON + 46 + Math.sin(time * 1.5) * 1.5);
  return picture;
}

function paintBoat(picture: Buffer, left: number, waterline: number): void {
  const x = Math.round(left);
  const y = Math.round(waterline);
  for (let row = 0; row < 10; row++) fill(picture, x + row, y + row - 10, 64 - 2 * row, 1, [58, 36, 40]);
  fill(picture, x + 30, y - 72, 2, 62, [48, 34, 40]);
  for (let row = 0; row < 52; row++) {
    fill(picture, x + 34, y - 68 + row, Math.round(row * 0.5), 1, [246, 238, 226]);
    fill(picture, x + 28 - Math.round(row * 0.36), y - 64 + row, Math.round(row * 0.36), 1, [232, 214, 198]);
  }
}

/** Lit segments of a digit's seven: top, both upper sides, middle, both lower sides, bottom. */
const SEGMENTS: Readonly<Record<string, string>> = { 6: '1101111', 7: '1010010' };

function anglesAroundCenter(): Float64Array {
  return Float64Array.from({ length: WIDTH * HEIGHT }, (_, at) =>
    Math.atan2(Math.floor(at / WIDTH) - HEIGHT / 2, (at % WIDTH) - WIDTH / 2),
  );
}

function paintMoment(angles: Float64Array, time: number): Buffer {
  const picture = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const ray = angles[y * WIDTH + x]! * 8 + (time - DEMO_MOMENT.from) * 2;
      put(picture, x, y, Math.sin(ray) > 0 ? [255, 214, 40] : [255, 180, 20]);
    }
  }
  for (const [index, digit] of [...DEMO_MOMENT.shows].entries()) {
    paintDigit(picture, SEGMENTS[digit] ?? '', 150 + index * 190, 60);
  }
  return picture;
}

function paintDigit(picture: Buffer, lit: string, x: number, y: number): void {
  const [long, thick, ink] = [150, 36, [36, 20, 92] as Rgb];
  const half = (240 - thick) / 2;
  const bars = [
    [x, y, long, thick],
    [x, y, thick, half + thick],
    [x + long - thick, y, thick, half + thick],
    [x, y + half, long, thick],
    [x, y + half, thick, half + thick],
    [x + long - thick, y + half, thick, half + thick],
    [x, y + 2 * half, long, thick],
  ] as const;
  for (const [index, bar] of bars.entries()) if (lit[index] === '1') fill(picture, ...bar, ink);
}

function fill(picture: Buffer, left: number, top: number, width: number, height: number, color: Rgb): void {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) put(picture, x, y, color);
  }
}

function put(picture: Buffer, x: number, y: number, [red, green, blue]: Rgb): void {
  if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT) return;
  const at = (y * WIDTH + x) * 3;
  picture[at] = red;
  picture[at + 1] = green;
  picture[at + 2] = blue;
}

function blend(picture: Buffer, x: number, y: number, color: Rgb, share: number): void {
  if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT) return;
  const at = (y * WIDTH + x) * 3;
  put(picture, x, y, mix([picture[at]!, picture[at + 1]!, picture[at + 2]!], color, Math.min(1, share)));
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = Math.min(1, Math.max(0, share));
  return [
    Math.round(from[0] + (to[0] - from[0]) * part),
    Math.round(from[1] + (to[1] - from[1]) * part),
    Math.round(from[2] + (to[2] - from[2]) * part),
  ];
}
