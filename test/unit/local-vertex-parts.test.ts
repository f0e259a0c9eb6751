import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metadataEnvironment, startMetadataServer } from '../../local/metadata-server.ts';
import { FaultPlan, parseFault } from '../../local/vertex/faults.ts';
import { parseGsUri, parseQuestion } from '../../local/vertex/request.ts';
import { Slots } from '../../local/vertex/slots.ts';
import { localCertificate } from '../../local/vertex/tls.ts';

describe('faults', () => {
  const kinds = (plan: FaultPlan, asks: number): string[] =>
    Array.from({ length: asks }, () => {
      const fault = plan.next();
      return fault.kind === 'status' ? String(fault.error.code) : fault.kind;
    });

  it('occur in turn, as often as set, after the set number of good answers', () => {
    const plan = new FaultPlan();
    plan.set({ kinds: ['429', 'empty'], times: 3, after: 1 });
    expect(kinds(plan, 6)).toEqual(['none', '429', 'empty', '429', 'none', 'none']);
  });

  it('once each if no number is given; an empty list ends them', () => {
    const plan = new FaultPlan();
    plan.set({ kinds: ['503', 'reset'] });
    expect(kinds(plan, 3)).toEqual(['503', 'reset', 'none']);
    plan.set({ kinds: ['503'], times: 100 });
    plan.set({ kinds: [] });
    expect(kinds(plan, 2)).toEqual(['none', 'none']);
  });

  it('an unknown one is refused with a list of the known ones', () => {
    expect(() => parseFault('slow')).toThrow(/fault must be one of .*429.*malformed.*slow:MS, got "slow"/);
    expect(() => new FaultPlan().set({ kinds: ['429', 'boom'] })).toThrow(/"boom"/);
    expect(() => new FaultPlan().set(null)).toThrow(/list of strings/);
    expect(parseFault('slow:250')).toEqual({ kind: 'slow', ms: 250 });
  });
});

describe('a request', () => {
  const ask = (parts: unknown, generationConfig?: unknown): unknown =>
    parseQuestion(JSON.stringify({ contents: [{ role: 'user', parts }], generationConfig }));
  const video = { fileData: { fileUri: 'gs://raw/a.mp4', mimeType: 'video/mp4' } };

  it('is read part by part', () => {
    const inlineData = { data: 'AQI=', mimeType: 'image/jpeg' };
    expect(ask([video, { text: 'when?' }, { inlineData }])).toEqual({
      parts: [
        { kind: 'video', uri: 'gs://raw/a.mp4', fps: 1 },
        { kind: 'text', text: 'when?' },
        { kind: 'image', bytes: Buffer.from([1, 2]), mimeType: 'image/jpeg' },
      ],
      schema: undefined,
      maxOutputTokens: undefined,
    });
  });

  it.each([
    ['fps 0', [{ ...video, videoMetadata: { fps: 0 } }], undefined, /fps is 0/],
    ['fps 25', [{ ...video, videoMetadata: { fps: 25 } }], undefined, /fps is 25/],
    [
      'a text file',
      [{ fileData: { fileUri: 'gs://raw/a', mimeType: 'text/plain' } }],
      undefined,
      /text\/plain/,
    ],
    ['an empty part', [{}], undefined, /empty part/],
    ['no parts', [], undefined, /contents/],
    ['a schema without JSON', [video], { responseSchema: { type: 'OBJECT' } }, /MIME type/],
  ])('%s is refused as Google does', (_, parts, config, message) => {
    expect(() => ask(parts, config)).toThrow(message);
  });

  it('a body that is not JSON is refused', () => {
    expect(() => parseQuestion('{')).toThrow('Invalid JSON payload received.');
  });

  it('an object name is used unchanged', () => {
    expect(parseGsUri('gs://raw/a/b c%20\n.mp4')).toEqual({ bucket: 'raw', name: 'a/b c%20\n.mp4' });
    expect(() => parseGsUri('https://example.com/a.mp4')).toThrow(/unsupported file uri/);
    expect(() => parseGsUri('gs://raw')).toThrow(/unsupported file uri/);
  });
});

it('two at once, the others in order, and a failed one frees its slot', async () => {
  const slots = new Slots(2);
  const started: number[] = [];
  const finish: (() => void)[] = [];
  const runs = [0, 1, 2, 3].map((n) =>
    slots.run(async () => {
      started.push(n);
      await new Promise<void>((resolve) => {
        finish[n] = resolve;
      });
      if (n === 0) throw new Error('failed');
    }),
  );
  const settled = Promise.allSettled(runs);
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  finish[0]?.();
  await expect(runs[0]).rejects.toThrow('failed');
  expect(started).toEqual([0, 1, 2]);
  finish[1]?.();
  await runs[1];
  expect(started).toEqual([0, 1, 2, 3]);
  finish[2]?.();
  finish[3]?.();
  await settled;
});

describe('the certificate', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vertex-tls-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('is made once, for loopback names, with a key only its owner reads', async () => {
    const first = await localCertificate(dir);
    const again = await localCertificate(dir);
    expect(again.cert).toBe(first.cert);
    const parsed = new X509Certificate(first.cert);
    expect(parsed.checkHost('localhost')).toBe('localhost');
    expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(parsed.checkHost('example.com')).toBeUndefined();
    expect((await stat(join(dir, 'vertex-key.pem'))).mode & 0o777).toBe(0o600);
  });

  it('is renewed if it expires within 30 days, or is no certificate', async () => {
    const first = await localCertificate(dir);
    const days = (n: number) => () => Date.now() + n * 86_400_000;
    expect((await localCertificate(dir, days(330))).cert).toBe(first.cert);
    const renewed = await localCertificate(dir, days(340));
    expect(renewed.cert).not.toBe(first.cert);
    await writeFile(renewed.caPath, 'not a certificate');
    const repaired = await localCertificate(dir);
    expect(await readFile(repaired.caPath, 'utf8')).toBe(repaired.cert);
  });
});

describe('the metadata server', () => {
  it('answers the requests of client libraries, and only with their header', async () => {
    const server = await startMetadataServer({ projectId: 'demo' });
    try {
      const get = async (path: string, headers: Record<string, string> = { 'Metadata-Flavor': 'Google' }) => {
        const response = await fetch(`${server.url}/computeMetadata/v1/${path}`, { headers });
        expect(response.headers.get('metadata-flavor')).toBe('Google');
        return [response.status, await response.text()];
      };
      expect(await get('project/project-id')).toEqual([200, 'demo']);
      expect(await get('universe/universe-domain')).toEqual([200, 'googleapis.com']);
      expect(await get('instance/service-accounts/default/email')).toEqual([
        200,
        'local@demo.iam.gserviceaccount.com',
      ]);
      const [, token] = await get('instance/service-accounts/default/token?scopes=a,b');
      expect(JSON.parse(String(token))).toMatchObject({ token_type: 'Bearer', expires_in: 3599 });
      const [, identity] = await get('instance/service-accounts/default/identity?audience=x');
      expect(String(identity).split('.')).toHaveLength(3);
      expect(await get('instance/attributes/ssh-keys')).toEqual([404, 'Not Found']);
      expect((await get('instance', {}))[0]).toBe(403);
    } finally {
      await server.close();
    }
  });

  it('gcp-metadata finds it by itself', async () => {
    const server = await startMetadataServer({ projectId: 'demo' });
    try {
      const { METADATA_SERVER_DETECTION: _, ...environment } = metadataEnvironment(server, tmpdir());
      const script =
        "const m = require('gcp-metadata'); m.isAvailable().then(async (a) => console.log(a, await m.project('project-id')))";
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
        env: { ...process.env, ...environment },
      });
      expect(stdout.trim()).toBe('true demo');
    } finally {
      await server.close();
    }
  });
});
