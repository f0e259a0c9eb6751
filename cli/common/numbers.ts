import { counted } from '../../shared/core/counted.ts';

export { count, counted } from '../../shared/core/counted.ts';

/** `12.3 MB`: decimal units, as Cloud Storage bills them. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return counted(bytes, 'byte');
  const units = ['KB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes / 1_000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
