/**
 * True for text that an attribute of a CloudEvent may have: well-formed Unicode without control characters (U+0000 to
 * U+001F and U+007F to U+009F). One loop: each stored event has several such texts, and most are short.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
 */
export function isAttributeText(text: string): boolean {
  let hasSurrogates = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
    if (code >= 0xd800 && code < 0xe000) hasSurrogates = true;
  }
  return !hasSurrogates || text.isWellFormed();
}
