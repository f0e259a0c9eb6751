import { placeSettings } from '../core/place-settings.ts';
import {
  endpoint,
  integer,
  oneOf,
  optional,
  place,
  required,
  text,
  url,
  type ValuesOf,
} from '../core/settings.ts';
import { DEFAULT_LIMITS, type PublishLimits } from '../events/publish-limits.ts';
import { MAX_SLOTS } from '../records/slot-limits.ts';

const HEADERS = /^[\w!#$&*.^|~-]+=[\x21-\x2b\x2d-\x7e]*(?:,[\w!#$&*.^|~-]+=[\x21-\x2b\x2d-\x7e]*)*$/;

/** Locations of the services that an instance uses: the same for every function. */
export const serviceSettings = {
  ...placeSettings,
  STATE_BUCKET: required(placeSettings.STATE_BUCKET),
  STORAGE_API_ENDPOINT: endpoint({ form: 'url', doc: 'base URL to use instead of Cloud Storage' }),
  PUBSUB_API_ENDPOINT: endpoint({ form: 'url', doc: 'base URL to use instead of Pub/Sub' }),
  LOG_LEVEL: oneOf(['info', 'debug'], { default: 'info', doc: '`debug` logs each step' }),
  MAX_HOPS: integer({
    min: 1,
    max: 1_000,
    default: DEFAULT_LIMITS.maxHops,
    doc: 'longest chain of functions that trigger each other by events; a longer one is refused as a loop',
  }),
  MAX_EVENTS_PER_CORRELATION: integer({
    min: 1,
    max: MAX_SLOTS,
    default: DEFAULT_LIMITS.maxEventsPerCorrelation,
    doc: 'events of one type that functions may publish for one correlation id',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    url({
      doc: 'base URL of an OpenTelemetry collector that receives the spans of each delivery; if unset, none are created',
    }),
  ),
  OTEL_EXPORTER_OTLP_HEADERS: optional({
    ...text({
      doc: 'headers for the collector, as `name=value,name=value` with URL-encoded values',
      pattern: { matches: HEADERS, mustBe: 'a list of name=value' },
    }),
    // the value is often a key
    secret: true as const,
  }),
  OTEL_TRACES_SAMPLER: oneOf(['parentbased_always_on', 'always_on'], {
    default: 'parentbased_always_on',
    doc: 'which deliveries get spans: those whose request or producer is sampled or says nothing, or all',
  }),
  K_SERVICE: place(text({ doc: 'set by Cloud Run: the service' })),
  K_REVISION: place(text({ doc: 'set by Cloud Run: the revision of the service' })),
};

export interface ServiceConfig {
  project: string | undefined;
  stateBucket: string;
  /** If undefined, refused events are kept as records in the state bucket. */
  deadLetterTopic: string | undefined;
  /** Set only in local runs, like the next one. */
  storageEndpoint: string | undefined;
  pubsubEndpoint: string | undefined;
  debug: boolean;
  /** Limits on what its functions publish. */
  limits: PublishLimits;
  /** Destination of spans; undefined if tracing is off. */
  traces: TraceConfig | undefined;
}

export interface TraceConfig {
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  /** Attributes of the resource that produces the spans. */
  resource: Readonly<Record<string, string | undefined>>;
  /** `parent` samples a delivery if its request or its producer is sampled, or if neither says. */
  sampler: 'parent' | 'always';
}

export function serviceConfig(values: ValuesOf<typeof serviceSettings>): ServiceConfig {
  return {
    project: values.GOOGLE_CLOUD_PROJECT,
    stateBucket: values.STATE_BUCKET,
    deadLetterTopic: values.DEAD_LETTER_TOPIC,
    storageEndpoint: values.STORAGE_API_ENDPOINT,
    pubsubEndpoint: values.PUBSUB_API_ENDPOINT,
    debug: values.LOG_LEVEL === 'debug',
    limits: { maxHops: values.MAX_HOPS, maxEventsPerCorrelation: values.MAX_EVENTS_PER_CORRELATION },
    traces: traceConfig(values),
  };
}

function traceConfig(values: ValuesOf<typeof serviceSettings>): TraceConfig | undefined {
  const endpoint = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  const headers = (values.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').filter((one) => one !== '');
  const pairs = headers.map((one) => {
    const at = one.indexOf('=');
    return [one.slice(0, at), decoded(one.slice(at + 1))];
  });
  const sampler = values.OTEL_TRACES_SAMPLER === 'always_on' ? 'always' : 'parent';
  const resource = {
    'service.name': values.K_SERVICE,
    'service.version': values.K_REVISION,
    'cloud.provider': values.K_SERVICE && 'gcp',
    'gcp.project_id': values.GOOGLE_CLOUD_PROJECT,
  };
  return { endpoint, headers: Object.fromEntries(pairs), resource, sampler };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
