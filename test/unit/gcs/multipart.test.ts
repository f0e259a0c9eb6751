import { describe, expect, it } from 'vitest';
import { parseMultipart } from '../../../local/gcs/multipart.ts';

async function* pieces(body: Buffer, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

async function parse(body: Buffer, size = body.length): Promise<[string, string | undefined, Buffer]> {
  const parts = await parseMultipart('multipart/related; boundary="b-1"', pieces(body, size));
  const media: Uint8Array[] = [];
  for await (const chunk of parts.media) media.push(Buffer.from(chunk));
  return [parts.metadata.toString(), parts.contentType, Buffer.concat(media)];
}

const upload = (media: string, line = '\r\n'): Buffer =>
  Buffer.from(
    [
      '--b-1',
      'content-type: application/json',
      '',
      '{"name":"a"}',
      '--b-1',
      'Content-Type: video/mp4',
      'x: y',
      '',
      media,
      '--b-1--',
    ].join(line),
  );

describe('a multipart body', () => {
  const tricky = 'one\r\n--b-\r\n--b--1\r\n-\r\n\r\r\n--b';

  it('is parsed alike, wherever it is split into chunks', async () => {
    const body = upload(tricky);
    for (let size = 1; size <= body.length; size++) {
      expect(await parse(body, size), `pieces of ${size}`).toEqual([
        '{"name":"a"}',
        'video/mp4',
        Buffer.from(tricky),
      ]);
    }
  });

  it('with bare line feeds, as Python writes it', async () => {
    expect(await parse(upload('a\r\nb', '\n'))).toEqual(['{"name":"a"}', 'video/mp4', Buffer.from('a\r\nb')]);
  });

  it('with an empty second part', async () => {
    expect((await parse(upload('')))[2]).toHaveLength(0);
  });

  it('holds back no more of the media than a boundary', async () => {
    const media = 'x'.repeat(10_000);
    const parts = await parseMultipart('multipart/related; boundary=b-1', pieces(upload(media), 1_000));
    let came = 0;
    let largest = 0;
    for await (const chunk of parts.media) {
      came += chunk.length;
      largest = Math.max(largest, chunk.length);
    }
    expect(came).toBe(10_000);
    expect(largest).toBeLessThan(1_100);
  });

  it.each([
    ['no boundary in the header', 'multipart/related', upload('x')],
    ['another boundary in the body', 'multipart/related; boundary=other', upload('x')],
    ['nothing at all', 'multipart/related; boundary=b-1', Buffer.alloc(0)],
    ['an end before the last boundary', 'multipart/related; boundary=b-1', upload('x').subarray(0, -10)],
    ['one part only', 'multipart/related; boundary=b-1', Buffer.from('--b-1\r\n\r\n{}\r\n--b-1--')],
  ])('%s: refused', async (_, type, body) => {
    const reading = async (): Promise<void> => {
      const { media } = await parseMultipart(type, pieces(body, 7));
      for await (const _chunk of media);
    };
    await expect(reading()).rejects.toMatchObject({ status: 400 });
  });
});
