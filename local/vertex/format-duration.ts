/** As Gemini writes times: `01:05`, above one frame a second `01:05.250`; minutes run past 59. */
export function formatDuration(seconds: number, fine: boolean): string {
  const units = fine ? 1000 : 1;
  const total = Math.round(seconds * units);
  const minutes = Math.floor(total / (60 * units));
  const rest = total - minutes * 60 * units;
  const whole = String(Math.floor(rest / units)).padStart(2, '0');
  const text = `${String(minutes).padStart(2, '0')}:${whole}`;
  return fine ? `${text}.${String(rest % units).padStart(3, '0')}` : text;
}
