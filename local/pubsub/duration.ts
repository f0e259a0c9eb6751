/** Parses `3.5s` to milliseconds; undefined if it is not a google.protobuf.Duration. */
export function parseDuration(text: string): number | undefined {
  const found = /^(-?\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text);
  if (!found) return undefined;
  const ms = Number(found[1]) * 1_000;
  const part = Number(`0.${found[2] ?? '0'}`) * 1_000;
  return found[1]!.startsWith('-') ? ms - part : ms + part;
}

/** Formats milliseconds as a google.protobuf.Duration in JSON: three decimals or none. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const rest = Math.round(ms - seconds * 1_000);
  return rest === 0 ? `${seconds}s` : `${seconds}.${String(rest).padStart(3, '0')}s`;
}
