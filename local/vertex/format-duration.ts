/** Gemini's format of times: `01:05`, or `01:05.250` above one frame per second; minutes may exceed 59. */
export function formatDuration(seconds: number, fine: boolean): string {
  const units = fine ? 1000 : 1;
  const total = Math.round(seconds * units);
  const minutes = Math.floor(total / (60 * units));
  const rest = total - minutes * 60 * units;
  const whole = String(Math.floor(rest / units)).padStart(2, '0');
  const text = `${String(minutes).padStart(2, '0')}:${whole}`;
  return fine ? `${text}.${String(rest % units).padStart(3, '0')}` : text;
}
