import { createHmac } from 'node:crypto';
import { core } from '../../functions/app.ts';
import { CORE_DIR, type LoadedApp } from '../../shared/app/load-app.ts';
import { withOptional } from '../../shared/app/optional.ts';

/** The core app with `--receive`. */
export const RECEIVING: LoadedApp = { app: withOptional(core, { receive: true }), dir: CORE_DIR };

/** One source of each kind, with its key. */
export const SOURCE_KEYS = {
  'cloudevents/shop': 'cloudevents-key-0001',
  'eventbridge/orders': 'eventbridge-key-0001',
  'eventgrid/blobs': 'eventgrid-key-000001',
  'github/site': "It's a Secret to Everybody",
  'hmac/partner': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'json/curl': 'json-key-00000000001',
  'stripe/till': 'whsec_test_stripe_0001',
} as const;

export type SourceId = keyof typeof SOURCE_KEYS;

export const linesOf = (keys: Readonly<Record<string, string | readonly string[]>>): string =>
  Object.entries(keys)
    .flatMap(([id, one]) => [one].flat().map((key) => `${id} ${key}\n`))
    .join('');

type Headers = Record<string, string>;

export const hexHmac = (key: string | Buffer, text: string | Buffer): string =>
  createHmac('sha256', key).update(text).digest('hex');

/** Headers by which GitHub, Stripe and Standard Webhooks sign a body, at a time in seconds. */
export const sign = {
  github: (body: string | Buffer, key: string = SOURCE_KEYS['github/site']): Headers => ({
    'x-hub-signature-256': `sha256=${hexHmac(key, body)}`,
  }),
  stripe: (body: string, at: number, key: string = SOURCE_KEYS['stripe/till']): Headers => ({
    'stripe-signature': `t=${at},v1=${hexHmac(key, `${at}.${body}`)}`,
  }),
  hmac: (body: string, at: number, id = 'msg_1', key: string = SOURCE_KEYS['hmac/partner']): Headers => ({
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,${createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
      .update(`${id}.${at}.${body}`)
      .digest('base64')}`,
  }),
};

export const seconds = (): number => Math.floor(Date.now() / 1_000);
