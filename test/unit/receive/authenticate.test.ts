import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { authenticate, type Verdict } from '../../../functions/receive/authenticate.ts';
import type { Kind } from '../../../functions/receive/sources.ts';
import type { HttpRequest } from '../../../shared/app/define-function.ts';
import { receivedOf } from '../../../shared/invocation/request.ts';
import { hexHmac } from '../../helpers/receive.ts';

const NOW = 1_700_000_000;
const KEY = 'a-key-of-the-vendor-01';
const NEXT = 'the-next-key-of-it-002';
const BODY = '{"id":"evt_1"}';
const WEBHOOK_KEY = Buffer.from('0123456789abcdef01234567');
const WHSEC = `whsec_${WEBHOOK_KEY.toString('base64')}`;

/** Pairs of headers, as they came. */
type Headers = [string, string][];

interface Case {
  headers?: Headers;
  url?: string;
  body?: string | Buffer;
  keys?: string[];
  toleranceMs?: number;
}

function verdictOf(
  kind: Kind,
  { headers = [], url = '/', body = BODY, keys = [KEY], toleranceMs = 300_000 }: Case,
) {
  const request = { rawHeaders: headers.flat(), url, rawBody: Buffer.from(body) } as unknown as HttpRequest;
  return authenticate(kind, receivedOf(request), keys, { now: NOW * 1_000, toleranceMs });
}

const github = (hex: string): Headers => [['X-Hub-Signature-256', hex]];
const stripe = (text: string): Headers => [['Stripe-Signature', text]];
const v1 = (at: number | string = NOW, key = KEY, body = BODY): string => hexHmac(key, `${at}.${body}`);
const standard = (id = 'msg_1', at: number | string = NOW, body = BODY, key: Buffer = WEBHOOK_KEY): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
const webhook = (signature: string, id = 'msg_1', at: number | string = NOW): Headers => [
  ['webhook-id', id],
  ['webhook-timestamp', String(at)],
  ['webhook-signature', signature],
];

describe('GitHub', () => {
  const good = `sha256=${hexHmac(KEY, BODY)}`;
  test.each<[string, Case, Verdict]>([
    [
      "the example of GitHub's documentation",
      {
        headers: github('sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'),
        body: 'Hello, World!',
        keys: ["It's a Secret to Everybody"],
      },
      'valid',
    ],
    ['a signature of the body', { headers: github(good) }, 'valid'],
    [
      'the next key, while both are valid',
      { headers: github(`sha256=${hexHmac(NEXT, BODY)}`), keys: [KEY, NEXT] },
      'valid',
    ],
    ['the previous key, while both are valid', { headers: github(good), keys: [NEXT, KEY] }, 'valid'],
    [
      'bytes that are not UTF-8',
      {
        headers: github(
          `sha256=${createHmac('sha256', KEY)
            .update(Buffer.from([0xff, 0]))
            .digest('hex')}`,
        ),
        body: Buffer.from([0xff, 0]),
      },
      'valid',
    ],
    ['no header', {}, 'missing'],
    [
      'the SHA-1 header alone',
      { headers: [['X-Hub-Signature', 'sha1=7d38cdd689735b008b3c702edd92eea23791c5f6']] },
      'missing',
    ],
    ['another body', { headers: github(good), body: `${BODY} ` }, 'forged'],
    ['another key', { headers: github(`sha256=${hexHmac(NEXT, BODY)}`) }, 'forged'],
    ['no key at all', { headers: github(good), keys: [] }, 'forged'],
    ['another algorithm', { headers: github(`sha1=${hexHmac(KEY, BODY)}`) }, 'malformed'],
    ['no algorithm', { headers: github(hexHmac(KEY, BODY)) }, 'malformed'],
    ['a digit too few', { headers: github(good.slice(0, -1)) }, 'malformed'],
    ['a digit too many', { headers: github(`${good}0`) }, 'malformed'],
    [
      'capitals',
      { headers: github(`sha256=${hexHmac(KEY, BODY).toUpperCase()}`) },
      /[a-f]/.test(hexHmac(KEY, BODY)) ? 'malformed' : 'valid',
    ],
    ['an empty signature', { headers: github('sha256=') }, 'malformed'],
    ['non-ASCII of the right length', { headers: github(`sha256=${'\u00e9'.repeat(64)}`) }, 'malformed'],
    [
      'an odd character that hex decoding would cut off',
      { headers: github(`sha256=${'zz'.repeat(32)}`) },
      'malformed',
    ],
  ])('%s', (_name, given, verdict) => {
    expect(verdictOf('github', given)).toBe(verdict);
  });
});

describe('Stripe', () => {
  test.each<[string, Case, Verdict]>([
    ['a fresh signature', { headers: stripe(`t=${NOW},v1=${v1()}`) }, 'valid'],
    ['spaces after commas', { headers: stripe(`t=${NOW}, v1=${v1()}`) }, 'valid'],
    [
      'a test signature of scheme v0 beside it',
      { headers: stripe(`t=${NOW},v1=${v1()},v0=${'0'.repeat(64)}`) },
      'valid',
    ],
    [
      'two signatures while the secret is rolled, ours the second',
      { headers: stripe(`t=${NOW},v1=${v1(NOW, NEXT)},v1=${v1()}`) },
      'valid',
    ],
    ['300 s old', { headers: stripe(`t=${NOW - 300},v1=${v1(NOW - 300)}`) }, 'valid'],
    ['301 s old', { headers: stripe(`t=${NOW - 301},v1=${v1(NOW - 301)}`) }, 'stale'],
    ['300 s ahead', { headers: stripe(`t=${NOW + 300},v1=${v1(NOW + 300)}`) }, 'valid'],
    ['301 s ahead', { headers: stripe(`t=${NOW + 301},v1=${v1(NOW + 301)}`) }, 'stale'],
    [
      'a tolerance of its own',
      { headers: stripe(`t=${NOW - 11},v1=${v1(NOW - 11)}`), toleranceMs: 10_000 },
      'stale',
    ],
    ['an old signature under a new time', { headers: stripe(`t=${NOW},v1=${v1(NOW - 301)}`) }, 'forged'],
    ['another body', { headers: stripe(`t=${NOW},v1=${v1(NOW, KEY, '{}')}`) }, 'forged'],
    ['another key', { headers: stripe(`t=${NOW},v1=${v1(NOW, NEXT)}`) }, 'forged'],
    ['scheme v0 alone', { headers: stripe(`t=${NOW},v0=${v1()}`) }, 'malformed'],
    ['no time', { headers: stripe(`v1=${v1()}`) }, 'malformed'],
    ['two times', { headers: stripe(`t=${NOW - 900},t=${NOW},v1=${v1()}`) }, 'malformed'],
    ['a time that is no number', { headers: stripe(`t=now,v1=${v1('now')}`) }, 'malformed'],
    ['a time in exponents', { headers: stripe(`t=17e8,v1=${v1('17e8')}`) }, 'malformed'],
    ['a negative time', { headers: stripe(`t=-1,v1=${v1('-1')}`) }, 'malformed'],
    ['a time of 40 digits', { headers: stripe(`t=${'9'.repeat(40)},v1=${v1()}`) }, 'malformed'],
    ['a short signature among good ones', { headers: stripe(`t=${NOW},v1=${v1()},v1=00`) }, 'malformed'],
    ['seventeen signatures', { headers: stripe(`t=${NOW}${`,v1=${v1()}`.repeat(17)}`) }, 'malformed'],
    ['non-ASCII', { headers: stripe(`t=${NOW},v1=${'\u00df'.repeat(64)}`) }, 'malformed'],
    ['an empty header', { headers: stripe('') }, 'malformed'],
    ['no header', {}, 'missing'],
  ])('%s', (_name, given, verdict) => {
    expect(verdictOf('stripe', given)).toBe(verdict);
  });
});

describe('HMAC of Standard Webhooks', () => {
  const keys = [WHSEC];
  test.each<[string, Case, Verdict]>([
    ['a fresh signature', { headers: webhook(standard()) }, 'valid'],
    [
      'a key without prefix is its text',
      { headers: webhook(standard('msg_1', NOW, BODY, Buffer.from(KEY))), keys: [KEY] },
      'valid',
    ],
    [
      'two signatures, ours the second',
      { headers: webhook(`${standard('msg_1', NOW, BODY, Buffer.from(NEXT))} ${standard()}`) },
      'valid',
    ],
    ['an asymmetric signature beside it', { headers: webhook(`v1a,AAAA ${standard()}`) }, 'valid'],
    ['301 s old', { headers: webhook(standard('msg_1', NOW - 301), 'msg_1', NOW - 301) }, 'stale'],
    ['301 s ahead', { headers: webhook(standard('msg_1', NOW + 301), 'msg_1', NOW + 301) }, 'stale'],
    ['the id of another message', { headers: webhook(standard('msg_2')) }, 'forged'],
    ['another time', { headers: webhook(standard('msg_1', NOW - 1)) }, 'forged'],
    ['another body', { headers: webhook(standard('msg_1', NOW, '{}')) }, 'forged'],
    ['a full stop in the id', { headers: webhook(standard('msg.1'), 'msg.1') }, 'malformed'],
    [
      'an id of 257 characters',
      { headers: webhook(standard('m'.repeat(257)), 'm'.repeat(257)) },
      'malformed',
    ],
    ['base64 without padding', { headers: webhook(standard().slice(0, -1)) }, 'malformed'],
    ['a version that nobody knows', { headers: webhook(standard().replace('v1', 'v2')) }, 'malformed'],
    ['no id', { headers: webhook(standard()).slice(1) }, 'missing'],
    ['no time', { headers: webhook(standard()).filter(([name]) => name !== 'webhook-timestamp') }, 'missing'],
    ['no signature', { headers: webhook(standard()).slice(0, 2) }, 'missing'],
  ])('%s', (_name, given, verdict) => {
    expect(verdictOf('hmac', { keys, ...given })).toBe(verdict);
  });

  test('the published example of the reference libraries', () => {
    const [id, at] = ['msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330];
    const request = {
      rawHeaders: webhook('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', id, at).flat(),
      rawBody: Buffer.from('{"test": 2432232314}'),
    } as unknown as HttpRequest;
    const keys = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];
    const clock = { now: at * 1_000, toleranceMs: 300_000 };
    expect(authenticate('hmac', receivedOf(request), keys, clock)).toBe('valid');
  });
});

describe('a shared key', () => {
  const apiKey = (key: string): Headers => [['x-api-key', key]];
  test.each<[string, Kind, Case, Verdict]>([
    ['in x-api-key', 'eventbridge', { headers: apiKey(KEY) }, 'valid'],
    ['as a bearer token', 'eventbridge', { headers: [['Authorization', `Bearer ${KEY}`]] }, 'valid'],
    ['in the query, for Event Grid', 'eventgrid', { url: `/x?access_token=${KEY}` }, 'valid'],
    ['in the query, for CloudEvents', 'cloudevents', { url: `/x?a=1&access_token=${KEY}` }, 'valid'],
    ['in the query, for others', 'eventbridge', { url: `/x?access_token=${KEY}` }, 'missing'],
    ['twice in the query', 'eventgrid', { url: `/x?access_token=${KEY}&access_token=${KEY}` }, 'missing'],
    [
      'non-ASCII, as UTF-8',
      'json',
      {
        headers: apiKey(Buffer.from('Schl\u00fcssel-der-Quelle').toString('latin1')),
        keys: ['Schl\u00fcssel-der-Quelle'],
      },
      'valid',
    ],
    ['the beginning of a key', 'json', { headers: apiKey(KEY.slice(0, -1)) }, 'forged'],
    ['a longer one', 'json', { headers: apiKey(`${KEY}0`) }, 'forged'],
    ['an empty one', 'json', { headers: apiKey('') }, 'forged'],
    [
      'a wrong one beside a good token',
      'json',
      { headers: [...apiKey('wrong'), ['authorization', `Bearer ${KEY}`]] },
      'forged',
    ],
    ['another scheme', 'json', { headers: [['authorization', `Basic ${KEY}`]] }, 'missing'],
    ['none', 'json', {}, 'missing'],
  ])('%s', (_name, kind, given, verdict) => {
    expect(verdictOf(kind, given)).toBe(verdict);
  });
});

test.each<[Kind, Headers]>([
  ['github', [...github('sha256=00'), ...github(`sha256=${hexHmac(KEY, BODY)}`)]],
  ['stripe', [...stripe('t=1,v1=00'), ...stripe(`t=${NOW},v1=${v1()}`)]],
  ['hmac', [...webhook(standard()), ...webhook(standard())]],
  [
    'eventbridge',
    [
      ['x-api-key', 'wrong'],
      ['X-Api-Key', KEY],
    ],
  ],
])('%s: a header that is sent twice is refused, whatever its values', (kind, headers) => {
  expect(() => verdictOf(kind, { headers })).toThrow('must be sent once, got 2');
});
