import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeStill } from '../../functions/video/media/encode-still.ts';
import {
  type MetadataServer,
  metadataEnvironment,
  startMetadataServer,
} from '../../local/metadata-server.ts';
import { startVertexServer, type VertexServer } from '../../local/vertex/server.ts';
import type { GeminiOptions } from '../../shared/vision/gemini-request.ts';
import type { ResponseSchema, VisionPart } from '../../shared/vision/vision-model.ts';
import { anyFfmpeg, makeEventClip } from '../helpers/event-clips.ts';
import { type GeminiProcess, startGeminiProcess } from '../helpers/gemini-process.ts';

const MOMENTS: ResponseSchema = {
  type: 'OBJECT',
  properties: {
    found: { type: 'BOOLEAN' },
    moments: {
      type: 'ARRAY',
      items: {
        type: 'OBJECT',
        properties: { timestamp: { type: 'STRING' }, confidence: { type: 'NUMBER' } },
        required: ['timestamp'],
      },
    },
  },
  required: ['found', 'moments'],
};
const STILL: ResponseSchema = {
  type: 'OBJECT',
  properties: { still: { type: 'INTEGER', nullable: true } },
  required: ['still'],
};
const VIDEO: VisionPart = { videoUri: 'gs://raw/box at 6.4.mp4', mimeType: 'video/mp4' };
const TEXT: VisionPart = { text: 'When is the box seen? Name at most 2 moments.' };

/** Contract of both adapters, over real TLS, with tokens from a metadata server as on Cloud Run. */
export function geminiContract(sdk: 'vertexai' | 'genai'): void {
  describe(`Gemini through ${sdk}`, () => {
    let dir: string;
    let vertex: VertexServer;
    let metadata: MetadataServer;
    let gemini: GeminiProcess;
    let options: GeminiOptions;

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), `gemini-${sdk}-`));
      await makeEventClip(dir, 'box at 6.4.mp4', { seconds: 10, box: [6.4, 9], sound: true });
      await writeFile(join(dir, 'text.mp4'), 'not a video');
      metadata = await startMetadataServer({ projectId: 'contract' });
      vertex = await startVertexServer({
        dir: join(dir, 'vertex'),
        ffmpegPath: anyFfmpeg(),
        openObject: async (bucket, name) => (bucket === 'raw' ? join(dir, name) : undefined),
      });
      options = {
        project: 'contract',
        location: 'global',
        model: 'gemini-3.8-flash',
        apiEndpoint: vertex.endpoint,
        thinkingLevel: 'low',
      };
      gemini = await startGeminiProcess(sdk, options, {
        ...metadataEnvironment(metadata, join(dir, 'no-home')),
        NODE_EXTRA_CA_CERTS: vertex.caPath,
      });
    });

    afterEach(() => vertex.setFaults({ kinds: [] }));

    afterAll(async () => {
      await gemini?.close();
      await vertex?.close();
      await metadata?.close();
      await rm(dir, { recursive: true, force: true });
    });

    const ask = (parts: VisionPart[] = [VIDEO, TEXT], schema = MOMENTS) => gemini.ask({ parts, schema });
    const fault = async (...kinds: string[]) => {
      vertex.setFaults({ kinds });
      const before = vertex.stats();
      const error = await ask().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const after = vertex.stats();
      return { error, received: after.received - before.received, paid: after.asks - before.asks };
    };

    it('a video by its gs:// URI: the second it happens in, as JSON, with the true token counts', async () => {
      const answer = await ask();
      expect(answer).toEqual({
        json: { found: true, moments: [{ timestamp: '00:07', confidence: expect.any(Number) }] },
        model: 'gemini-3.8-flash',
        // 10 frames at 66 tokens, at most 11 s of sound at 25, and the text
        tokens: {
          prompt: expect.toSatisfy((n: number) => n >= 10 * 66 + 10 * 25 && n <= 10 * 66 + 11 * 25 + 12),
          output: expect.any(Number),
          thoughts: 0,
          total: answer.tokens.prompt + answer.tokens.output,
        },
      });
    });

    it('more frames per second: a finer time, and more tokens', async () => {
      const usual = await ask();
      const fine = await ask([{ ...VIDEO, fps: 4 }, TEXT]);
      expect(fine.json).toMatchObject({ moments: [{ timestamp: '00:06.500' }] });
      expect(fine.tokens.prompt - usual.tokens.prompt).toBe(30 * 66);
    });

    it('numbered stills: the one that shows something new', async () => {
      const dull = await still(0x30);
      const bright = await still(0xe0);
      const parts = [dull, dull, bright, bright].flatMap((inline, i): VisionPart[] => [
        { text: `Still ${i + 1}` },
        { inline, mimeType: 'image/jpeg' },
      ]);
      expect((await ask(parts, STILL)).json).toEqual({ still: 3 });
      expect((await ask(parts.slice(0, 4), STILL)).json).toEqual({ still: null });
    });

    it.each([
      ['429', 'quota'],
      ['503', 'unavailable'],
      ['500', 'unavailable'],
      ['504', 'timeout'],
      ['401', 'denied'],
      ['403', 'denied'],
      ['404', 'invalid-config'],
      ['400', 'invalid-config'],
      ['service-agents', 'unavailable'],
      ['html', 'unavailable'],
      ['reset', 'unavailable'],
    ])('%s before an answer is %s: sent once and not paid for', async (kind, code) => {
      const { error, received, paid } = await fault(kind);
      expect(error).toMatchObject({ code, name: 'AppError' });
      expect({ received, paid }).toEqual({ received: 1, paid: 0 });
    });

    it.each([
      ['malformed', 'malformed-answer', 'answer must be JSON'],
      ['empty', 'malformed-answer', 'without a candidate'],
      ['max-tokens', 'malformed-answer', 'MAX_TOKENS'],
      ['safety', 'blocked', 'SAFETY'],
      ['prompt-block', 'blocked', 'PROHIBITED_CONTENT'],
    ])('%s instead of an answer is %s, and reports its cost', async (kind, code, said) => {
      const { error, paid } = await fault(kind);
      expect(error).toMatchObject({ code, tokens: { prompt: expect.any(Number) } });
      expect((error as Error).message).toContain(said);
      expect((error as { tokens: { prompt: number } }).tokens.prompt).toBeGreaterThan(600);
      expect(paid).toBe(1);
    });

    it.each(['cut', 'lost'])(
      'an answer that is %s in transit is unavailable, and may be paid for',
      async (kind) => {
        const { error, paid } = await fault(kind);
        expect(error).toMatchObject({ code: 'unavailable' });
        expect(paid).toBe(1);
      },
    );

    it("the message contains the service's own", async () => {
      const { error } = await fault('429');
      expect((error as Error).message).toBe(
        'Gemini gemini-3.8-flash in global: 429: Resource exhausted. Please try again later.',
      );
    });

    it('a missing object may still appear; one that is no video never becomes one', async () => {
      const missing: VisionPart = { videoUri: 'gs://raw/missing.mp4', mimeType: 'video/mp4' };
      await expect(ask([missing, TEXT])).rejects.toMatchObject({ code: 'not-found-yet' });
      const text: VisionPart = { videoUri: 'gs://raw/text.mp4', mimeType: 'video/mp4' };
      await expect(ask([text, TEXT])).rejects.toMatchObject({ code: 'unsupported-media' });
    });

    it('a slow answer is abandoned when the attempt ends, and the next request is not affected', async () => {
      vertex.setFaults({ kinds: ['slow:2000'] });
      const started = performance.now();
      const asking = gemini.ask({ parts: [VIDEO, TEXT], schema: MOMENTS, signal: AbortSignal.timeout(300) });
      await expect(asking).rejects.toMatchObject({ code: 'timeout' });
      expect(performance.now() - started).toBeLessThan(1_500);
      expect((await ask()).json).toMatchObject({ found: true });
    });

    it('no request is sent once the attempt has ended', async () => {
      const before = vertex.stats().received;
      const asking = gemini.ask({ parts: [TEXT], schema: STILL, signal: AbortSignal.abort() });
      await expect(asking).rejects.toMatchObject({ code: 'timeout' });
      expect(vertex.stats().received).toBe(before);
    });

    it('fps out of range is refused before anything is sent', async () => {
      const { received } = vertex.stats();
      await expect(ask([{ ...VIDEO, fps: 25 }, TEXT])).rejects.toMatchObject({ code: 'invalid-config' });
      expect(vertex.stats().received).toBe(received);
    });

    it('it requests one token from the metadata server, whatever the number of questions', () => {
      expect(metadata.requests()).toEqual({
        '/computeMetadata/v1/instance/service-accounts/default/token': 1,
      });
    });

    it('an unreachable service is unavailable, and the adapter prints nothing', async () => {
      const alone = await startGeminiProcess(
        sdk,
        { ...options, apiEndpoint: await closedPort() },
        metadataEnvironment(metadata, join(dir, 'no-home')),
      );
      await expect(alone.ask({ parts: [TEXT], schema: STILL })).rejects.toMatchObject({
        code: 'unavailable',
      });
      await alone.close();
      expect(gemini.output()).toBe('');
      expect(alone.output()).toBe('');
    });

    it('without credentials it is denied', async () => {
      const nobody = await startGeminiProcess(sdk, options, {
        ...metadataEnvironment(metadata, join(dir, 'no-home')),
        METADATA_SERVER_DETECTION: 'none',
        NODE_EXTRA_CA_CERTS: vertex.caPath,
      });
      await expect(nobody.ask({ parts: [TEXT], schema: STILL })).rejects.toMatchObject({ code: 'denied' });
      await nobody.close();
    });
  });
}

function still(grey: number): Promise<Uint8Array> {
  const [width, height] = [64, 36];
  return encodeStill({ time: 0, width, height, rgb: new Uint8Array(width * height * 3).fill(grey) });
}

async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
