import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: unknown[];
  links: { traceId: string; spanId: string }[];
  status: { code?: number; message?: string };
}

export interface OtlpCollector {
  url: string;
  requests: { path: string; headers: IncomingHttpHeaders; spans: CollectedSpan[] }[];
  /** Attributes of the resources so far, by name. */
  resources: Record<string, unknown>[];
  spans(): CollectedSpan[];
  close(): Promise<void>;
}

/** An OpenTelemetry collector that validates requests. `answer` returns a status, or undefined for no answer. */
export async function startCollector(answer: () => number | undefined = () => 200): Promise<OtlpCollector> {
  const requests: OtlpCollector['requests'] = [];
  const resources: OtlpCollector['resources'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
      const { spans, resource } = readTraceRequest(body);
      requests.push({ path: request.url ?? '', headers: request.headers, spans });
      resources.push(resource);
      const status = answer();
      if (status !== undefined) response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    resources,
    spans: () => requests.flatMap(({ spans }) => spans),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * `ExportTraceServiceRequest` in protobuf's JSON mapping, with OTLP's exceptions: ids in hex, enumerations as
 * numbers, 64-bit integers as strings. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
function readTraceRequest(body: unknown): { spans: CollectedSpan[]; resource: Record<string, unknown> } {
  const [resourceSpans, ...more] = list(members(body, ['resourceSpans'])['resourceSpans']);
  if (more.length > 0) throw new Error('one resource makes all spans');
  const { resource, scopeSpans } = members(resourceSpans, ['resource', 'scopeSpans']);
  const attributes = list(members(resource, ['attributes'])['attributes']).map(readAttribute);
  const spans = list(scopeSpans).flatMap((scoped) => {
    const { scope, spans: found } = members(scoped, ['scope', 'spans']);
    if (typeof members(scope, ['name', 'version'])['name'] !== 'string')
      throw new Error('scope without name');
    return list(found).map(readSpan);
  });
  return { spans, resource: Object.fromEntries(attributes) };
}

const SPAN = [
  ...['traceId', 'spanId', 'traceState', 'parentSpanId', 'flags', 'name', 'kind', 'startTimeUnixNano'],
  ...['endTimeUnixNano', 'attributes', 'droppedAttributesCount', 'events', 'links', 'status'],
];

function readSpan(value: unknown): CollectedSpan {
  const span = members(value, SPAN);
  id(span['traceId'], 32);
  id(span['spanId'], 16);
  if (span['parentSpanId'] !== undefined) id(span['parentSpanId'], 16);
  for (const name of ['startTimeUnixNano', 'endTimeUnixNano']) {
    if (!/^\d{19}$/.test(String(span[name])) || typeof span[name] !== 'string')
      throw new Error(`${name}: ${span[name]}`);
  }
  if (BigInt(String(span['startTimeUnixNano'])) > BigInt(String(span['endTimeUnixNano'])))
    throw new Error('a span ends before it begins');
  if (![1, 2, 3, 4, 5].includes(Number(span['kind']))) throw new Error(`kind: ${span['kind']}`);
  for (const attribute of list(span['attributes'])) readAttribute(attribute);
  for (const link of list(span['links'])) {
    const { traceId, spanId } = members(link, ['traceId', 'spanId', 'traceState', 'attributes', 'flags']);
    id(traceId, 32);
    id(spanId, 16);
  }
  members(span['status'], ['code', 'message']);
  return value as CollectedSpan;
}

function readAttribute(attribute: unknown): [string, unknown] {
  const { key, value } = members(attribute, ['key', 'value']);
  const entries = Object.entries(members(value, ['stringValue', 'boolValue', 'intValue', 'doubleValue']));
  const [[kind, found] = []] = entries;
  if (typeof key !== 'string' || entries.length !== 1)
    throw new Error(`attribute: ${JSON.stringify(attribute)}`);
  const type = kind === 'boolValue' ? 'boolean' : kind === 'doubleValue' ? 'number' : 'string';
  if (typeof found !== type) throw new Error(`attribute ${key}: ${kind} is a ${typeof found}`);
  return [key, found];
}

function members(value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`no object: ${JSON.stringify(value)}`);
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`unknown members: ${unknown.join(', ')}`);
  return value as Record<string, unknown>;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error(`no array: ${JSON.stringify(value)}`);
  return value;
}

function id(value: unknown, digits: number): void {
  const isId = typeof value === 'string' && /^[0-9a-f]+$/.test(value) && value.length === digits;
  if (!isId || /^0+$/.test(value)) throw new Error(`no id of ${digits} hex digits: ${value}`);
}
