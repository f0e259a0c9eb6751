import type { VideoFile } from '../../functions/video/media/video-file.ts';

/** Two frames per second of one pixel each, alternating black and white. */
export function oneColorVideo(): VideoFile {
  return {
    facts: {
      container: 'mp4',
      codec: 'h264',
      width: 1,
      height: 1,
      rotation: 0,
      durationSeconds: 30,
      frameRate: 2,
      hdr: false,
      hasAudio: false,
    },
    async frameAt(time) {
      return { time, width: 1, height: 1, rgb: new Uint8Array(3).fill((time * 2) % 2 ? 255 : 0) };
    },
    async framesBetween(from) {
      return Promise.all([0, 0.5, 1].map((after) => this.frameAt(from + after)));
    },
    async framesAt(times) {
      return Promise.all(times.map((time) => this.frameAt(Math.floor(time * 2) / 2)));
    },
    async clip(from, to) {
      return { bytes: new Uint8Array(1), width: 2, height: 2, startSeconds: from, endSeconds: to, frames: 2 };
    },
    traffic: { bytes: 0, requests: 0 },
    close: async () => {},
  };
}
