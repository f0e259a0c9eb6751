/** A log-based metric, evaluated by the subset of Cloud Logging's filter rules that ours use. */
export interface LogMetric {
  filter: string;
  valueExtractor?: string;
  labelExtractors?: Readonly<Record<string, string>>;
}

/** A line of a function's log as Cloud Logging stores it. */
export interface LogEntry {
  resource: { type: string; labels: Readonly<Record<string, string>> };
  severity: string;
  jsonPayload: Readonly<Record<string, unknown>>;
}

export function entryOf(service: string, line: Readonly<Record<string, unknown>>): LogEntry {
  const { severity, ...jsonPayload } = line;
  const labels = { service_name: service };
  return { resource: { type: 'cloud_run_revision', labels }, severity: String(severity), jsonPayload };
}

/** The value and the labels; undefined if the filter excludes the entry. */
export function measure(
  metric: LogMetric,
  entry: LogEntry,
): { value: unknown; labels: Record<string, unknown> } | undefined {
  if (!metric.filter.split(' AND ').every((term) => holds(term, entry))) return undefined;
  const labels = Object.entries(metric.labelExtractors ?? {}).map(([key, from]) => [
    key,
    extract(from, entry),
  ]);
  return {
    value: metric.valueExtractor === undefined ? 1 : extract(metric.valueExtractor, entry),
    labels: Object.fromEntries(labels),
  };
}

function holds(term: string, entry: LogEntry): boolean {
  const [, path, operator, quoted] = /^([\w.]+)(=~|!=|=|:)("(?:[^"\\]|\\.)*"|\*)$/.exec(term) ?? [];
  if (path === undefined || operator === undefined || quoted === undefined)
    throw new Error(`filter: ${term}`);
  const found = at(path, entry);
  if (quoted === '*') return found !== undefined && found !== null;
  const wanted = JSON.parse(quoted) as string;
  if (operator === '=~') return new RegExp(wanted).test(String(found));
  if (operator === '!=') return String(found) !== wanted;
  return String(found) === wanted;
}

function extract(extractor: string, entry: LogEntry): unknown {
  const [, path] = /^EXTRACT\(([\w.]+)\)$/.exec(extractor) ?? [];
  if (path === undefined) throw new Error(`extractor: ${extractor}`);
  return at(path, entry);
}

function at(path: string, entry: LogEntry): unknown {
  return path
    .split('.')
    .reduce<unknown>((found, key) => (found as Record<string, unknown> | undefined)?.[key], entry);
}
