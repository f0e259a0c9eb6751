import { describe, expect, it } from 'vitest';
import { AppError } from '../../shared/core/errors.ts';
import { readAnswer } from '../../shared/vision/gemini-answer.ts';
import { geminiError, untilAborted } from '../../shared/vision/gemini-errors.ts';
import { toRestRequest, vertexHost } from '../../shared/vision/gemini-request.ts';

const usageMetadata = {
  promptTokenCount: 100,
  candidatesTokenCount: 7,
  thoughtsTokenCount: 20,
  totalTokenCount: 127,
};

function answer(...parts: unknown[]): unknown {
  return { candidates: [{ content: { parts }, finishReason: 'STOP' }], usageMetadata, modelVersion: 'g-1' };
}

describe('reading an answer', () => {
  it('joins its parts, leaves thoughts out, counts them', () => {
    const response = answer({ text: 'hm', thought: true }, { text: '{"a":' }, { text: '1}' });
    expect(readAnswer(response, 'asked')).toEqual({
      json: { a: 1 },
      model: 'g-1',
      tokens: { prompt: 100, output: 7, thoughts: 20, total: 127 },
    });
  });

  it('JSON in a code fence is JSON', () => {
    expect(readAnswer(answer({ text: '```json\n{"a":1}\n```\n' }), 'asked').json).toEqual({ a: 1 });
    expect(readAnswer(answer({ text: '```\n[1]```' }), 'asked').json).toEqual([1]);
  });

  it('without a model or counts: the requested model, and no counts', () => {
    const candidates = [{ content: { parts: [{ text: '1' }] } }];
    const usage = { promptTokenCount: -5, candidatesTokenCount: 'many', totalTokenCount: 1.5 };
    expect(readAnswer({ candidates, usageMetadata: usage }, 'asked')).toEqual({
      json: 1,
      model: 'asked',
      tokens: { prompt: 0, output: 0, thoughts: 0, total: 0 },
    });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'hello'],
    ['no candidates', { usageMetadata }],
    ['an empty list', { candidates: [] }],
    ['a candidate that is null', { candidates: [null] }],
    ['no content', { candidates: [{ finishReason: 'STOP' }] }],
    ['parts that are no list', { candidates: [{ content: { parts: 'x' } }] }],
    ['empty text', answer({ text: '' })],
    ['prose', answer({ text: 'At 00:05.' })],
    ['half of it', answer({ text: '{"a":' })],
    ['a stop for another reason', { candidates: [{ finishReason: 'OTHER' }] }],
  ])('%s is malformed', (_, response) => {
    expect(() => readAnswer(response, 'asked')).toThrow(
      expect.objectContaining({ code: 'malformed-answer' }),
    );
  });
});

describe('what failed', () => {
  const failed = (thrown: unknown): AppError => geminiError(thrown, 'Gemini g in global');
  const api = (status: number, message: string) => Object.assign(new Error(message), { status });

  it.each([
    ['a token count over the limit', api(400, 'The input token count (1) exceeds the maximum'), 'too-long'],
    ['media it cannot read', api(400, 'Unable to process input video.'), 'unsupported-media'],
    ['any other bad request', api(400, 'Request contains an invalid argument.'), 'invalid-config'],
    ['service agents still being made', api(400, '{"status": "FAILED_PRECONDITION"}'), 'unavailable'],
    ['a missing model', api(404, 'Publisher Model was not found'), 'invalid-config'],
    ['a missing object', api(404, 'gs://raw/a.mp4 not found'), 'not-found-yet'],
    ['a 5xx that is only in the message', new Error('got status: 502 Bad Gateway. {}'), 'unavailable'],
    ['a broken connection', new Error('x', { cause: { code: 'ECONNRESET' } }), 'internal'],
    [
      'a broken connection, as an error',
      new Error('x', { cause: Object.assign(new Error('y'), { code: 'ECONNRESET' }) }),
      'unavailable',
    ],
    ['HTML instead of JSON', new SyntaxError('Unexpected token <'), 'unavailable'],
    ['no credentials', new Error('Could not load the default credentials.'), 'denied'],
    ['a string', 'boom', 'internal'],
  ])('%s', (_, thrown, code) => {
    expect(failed(thrown).code).toBe(code);
  });

  it('an AppError stays as it is', () => {
    const error = new AppError('busy', 'x');
    expect(failed(error)).toBe(error);
  });

  it("contains the service's message, taken from its JSON", () => {
    const message = '{"error":{"code":429,"message":"Slow \\"down\\".","status":"RESOURCE_EXHAUSTED"}}';
    expect(failed(api(429, message)).message).toBe('Gemini g in global: 429: Slow "down".');
  });
});

describe('leaving work when the attempt ends', () => {
  it('the reason is passed on, the work is aborted, and a late failure does no harm', async () => {
    const controller = new AbortController();
    let fail = (_: Error): void => {};
    let heard: AbortSignal | undefined;
    const waiting = untilAborted(controller.signal, (signal) => {
      heard = signal;
      return new Promise((_, reject) => {
        fail = reject;
      });
    });
    const reason = new AppError('timeout', 'not done after 500 ms');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(heard?.aborted).toBe(true);
    fail(new Error('late'));
  });

  it('leaves no listener behind', async () => {
    const signal = new AbortController().signal;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await untilAborted(signal, async () => 1);
    await untilAborted(signal, async () => Promise.reject(new Error('x'))).catch(() => {});
    expect(listeners).toBe(0);
  });
});

describe('the request', () => {
  it.each([
    ['global', 'aiplatform.googleapis.com'],
    ['us-central1', 'us-central1-aiplatform.googleapis.com'],
    ['eu', 'aiplatform.eu.rep.googleapis.com'],
  ])('location %s is served by %s', (location, host) => {
    expect(vertexHost({ location })).toBe(host);
    expect(vertexHost({ location, apiEndpoint: '127.0.0.1:8443' })).toBe('127.0.0.1:8443');
  });

  it('has the form that the REST API takes', () => {
    const schema = { type: 'OBJECT' as const };
    const question = {
      parts: [
        { videoUri: 'gs://raw/a b.mp4', mimeType: 'video/mp4', fps: 2 },
        { inline: new Uint8Array([0, 1, 2, 3]).subarray(1, 3), mimeType: 'image/jpeg' },
        { text: 'when?' },
      ],
      schema,
    };
    const options = { project: 'p', location: 'global', model: 'g', thinkingLevel: 'low' as const };
    expect(toRestRequest(question, options)).toEqual({
      contents: [
        {
          role: 'user',
          parts: [
            { fileData: { fileUri: 'gs://raw/a b.mp4', mimeType: 'video/mp4' }, videoMetadata: { fps: 2 } },
            { inlineData: { data: 'AQI=', mimeType: 'image/jpeg' } },
            { text: 'when?' },
          ],
        },
      ],
      generationConfig: {
        responseMimeType: 'application/json',
        responseSchema: schema,
        maxOutputTokens: 8192,
        thinkingConfig: { thinkingLevel: 'LOW' },
      },
    });
  });
});
