/**
 * Characters that move a cursor, change colours, hide text or reverse its direction: C0, DEL, C1, format characters
 * including the bidirectional overrides, line and paragraph separators.
 */
const ACTING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** Line feed and tab, and the two joiners, which are part of words. */
const HARMLESS: ReadonlySet<string> = new Set(['\n', '\t', '\u200c', '\u200d']);

/** Replaces every character that a terminal would act on, including line breaks, by a replacement character. */
export function printable(text: string): string {
  return text.replace(ACTING, '\ufffd');
}

/** The message of an error, for a terminal. */
export function inOneLine(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as Partial<Error>;
  return printable(message);
}

/** Escapes every character in JSON text that a terminal would act on; the value is unchanged. */
export function escapeJson(json: string): string {
  return json.replace(ACTING, (char) => (char === '\n' ? char : escaped(char)));
}

/** Writes `\u001b` for ESC and so on; line feeds, tabs and the joiners of words stay. */
export function escapeText(text: string): string {
  return text.replace(ACTING, (char) => (HARMLESS.has(char) ? char : escaped(char)));
}

function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, at) => {
    return `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}
