import { join } from 'node:path';
import { findFfmpeg } from '../functions/video/media/ffmpeg.ts';
import type { Env } from '../shared/core/settings.ts';
import { metadataEnvironment, startMetadataServer } from './metadata-server.ts';
import { startVertexServer, type VertexServer } from './vertex/server.ts';

export interface Brain {
  vertex: VertexServer;
  /** Environment that makes a function use it, and take its tokens from nowhere else. */
  env: Env;
  close(): Promise<void>;
}

export interface BrainOptions {
  dir: string;
  /** Base URL of the Cloud Storage whose objects it reads. */
  gcsUrl: string;
  ffmpegPath?: string | undefined;
  port?: number | undefined;
}

/** Starts Vertex AI and the metadata server that issues tokens to the client libraries. */
export async function startBrain({ dir, gcsUrl, ffmpegPath, port }: BrainOptions): Promise<Brain> {
  const ffmpeg = await findFfmpeg(ffmpegPath);
  const vertex = await startVertexServer({
    dir: join(dir, 'vertex'),
    ffmpegPath: ffmpeg.path,
    openObject: async (bucket, name) =>
      `${gcsUrl}/download/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}?alt=media`,
    ...(port !== undefined && { port }),
  });
  const metadata = await startMetadataServer({ projectId: 'local' }).catch(async (error: unknown) => {
    await vertex.close();
    throw error;
  });
  return {
    vertex,
    env: {
      GOOGLE_CLOUD_PROJECT: 'local',
      VERTEX_API_ENDPOINT: vertex.endpoint,
      NODE_EXTRA_CA_CERTS: vertex.caPath,
      // keeps the user's own credentials out of the local cloud
      ...metadataEnvironment(metadata, join(dir, 'no-credentials')),
    },
    async close() {
      await Promise.all([vertex.close(), metadata.close()]);
    },
  };
}

/** The real Gemini cannot read local buckets: it gets the bytes, or a copy in a bucket of its own cloud. */
export function realGeminiSettings(env: Env): Env {
  return { GEMINI_VIDEO: env['GEMINI_VIDEO'] ?? (env['GEMINI_VIDEO_BUCKET'] ? 'uri' : 'inline') };
}
