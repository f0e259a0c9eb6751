import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Received } from '../../shared/invocation/request.ts';
import { type Kind, keyBytes } from './sources.ts';

/**
 * `forged`: a key or signature that none of the keys explains. `stale`: signed at a time that is too far away.
 * `missing` and `malformed`: there is nothing to compare.
 */
export type Verdict = 'valid' | 'missing' | 'malformed' | 'stale' | 'forged';

export interface Clock {
  /** Milliseconds since the epoch. */
  now: number;
  toleranceMs: number;
}

type Check = (received: Received, keys: readonly string[], clock: Clock) => Verdict;

/** Whether a request knows one of its source's keys. Every key is tried, and digests are compared in constant time. */
export function authenticate(kind: Kind, received: Received, keys: readonly string[], clock: Clock): Verdict {
  return CHECKS[kind](received, keys, clock);
}

const CHECKS: Readonly<Record<Kind, Check>> = {
  github: checkGithub,
  stripe: checkStripe,
  hmac: checkStandardWebhook,
  eventbridge: (received, keys) => checkKey(received, keys, false),
  json: (received, keys) => checkKey(received, keys, false),
  // their senders may be unable to set a header
  eventgrid: (received, keys) => checkKey(received, keys, true),
  cloudevents: (received, keys) => checkKey(received, keys, true),
};

/** More signatures than any rotation has. */
const MAX_SIGNATURES = 16;
const HEX = /^[0-9a-f]{64}$/;
/** 32 bytes in base64. */
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries */
function checkGithub({ header, body }: Received, keys: readonly string[]): Verdict {
  const given = header('x-hub-signature-256');
  if (given === undefined) return 'missing';
  const signature = given.startsWith('sha256=') ? given.slice('sha256='.length) : '';
  if (!HEX.test(signature)) return 'malformed';
  return compare(
    [Buffer.from(signature, 'hex')],
    keys.map((key) => hmac(key, body)),
  );
}

/** https://docs.stripe.com/webhooks/signature: `t=SECONDS,v1=HEX`, with one `v1` for each of its secrets. */
function checkStripe({ header, body }: Received, keys: readonly string[], clock: Clock): Verdict {
  const given = header('stripe-signature');
  if (given === undefined) return 'missing';
  const pairs = given.split(',').map((part) => part.trim().split('=', 2));
  const times = pairs.filter(([name]) => name === 't').map(([, value = '']) => value);
  const signatures = pairs.filter(([name]) => name === 'v1').map(([, value = '']) => value);
  const [time = ''] = times;
  if (times.length !== 1 || !isTime(time) || !areSignatures(signatures, HEX)) return 'malformed';
  if (!isFresh(time, clock)) return 'stale';
  return compare(
    signatures.map((one) => Buffer.from(one, 'hex')),
    keys.map((key) => hmac(key, `${time}.`, body)),
  );
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function checkStandardWebhook({ header, body }: Received, keys: readonly string[], clock: Clock): Verdict {
  const id = header('webhook-id');
  const time = header('webhook-timestamp');
  const given = header('webhook-signature');
  if (id === undefined || time === undefined || given === undefined) return 'missing';
  const signatures = given
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => one.slice('v1,'.length));
  if (!WEBHOOK_ID.test(id) || !isTime(time) || !areSignatures(signatures, BASE64)) return 'malformed';
  if (!isFresh(time, clock)) return 'stale';
  return compare(
    signatures.map((one) => Buffer.from(one, 'base64')),
    keys.map((key) => hmac(keyBytes(key), `${id}.${time}.`, body)),
  );
}

/** A full stop would let an id take over the beginning of the timestamp. */
const WEBHOOK_ID = /^[\x21-\x2d\x2f-\x7e]{1,256}$/;

/** `x-api-key`, a bearer token (RFC 6750), or its query parameter. */
function checkKey(received: Received, keys: readonly string[], inQuery: boolean): Verdict {
  const given = keyIn(received, inQuery);
  if (given === undefined) return 'missing';
  return compare(
    [digest(given)],
    keys.map((key) => digest(Buffer.from(key))),
  );
}

function keyIn({ header, query }: Received, inQuery: boolean): Buffer | undefined {
  const apiKey = header('x-api-key');
  // Node decodes headers as latin1
  if (apiKey !== undefined) return Buffer.from(apiKey, 'latin1');
  const bearer = /^bearer +(.+)$/i.exec(header('authorization') ?? '')?.[1];
  if (bearer !== undefined) return Buffer.from(bearer, 'latin1');
  const tokens = inQuery ? query.getAll('access_token') : [];
  return tokens.length === 1 ? Buffer.from(tokens[0]!) : undefined;
}

/** Compares every pair of 32-byte digests, so that the time taken does not reveal which one matched. */
function compare(given: readonly Buffer[], expected: readonly Buffer[]): Verdict {
  let matches = 0;
  for (const one of given) {
    for (const other of expected) matches += Number(timingSafeEqual(one, other));
  }
  return matches > 0 ? 'valid' : 'forged';
}

function hmac(key: string | Buffer, ...parts: readonly (string | Buffer)[]): Buffer {
  const made = createHmac('sha256', key);
  for (const part of parts) made.update(part);
  return made.digest();
}

const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

const isTime = (text: string): boolean => /^[0-9]{1,12}$/.test(text);

const areSignatures = (found: readonly string[], form: RegExp): boolean =>
  found.length > 0 && found.length <= MAX_SIGNATURES && found.every((one) => form.test(one));

const isFresh = (seconds: string, { now, toleranceMs }: Clock): boolean =>
  Math.abs(now - Number(seconds) * 1_000) <= toleranceMs;
