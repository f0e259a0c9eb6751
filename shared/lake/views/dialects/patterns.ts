/*
 * Patterns that RE2 and Java read alike, of the texts that become typed values. They end with \z: in Java, $ also
 * matches before a last newline.
 */

/** Digits of a whole number that may fit 64 bits. */
export const WHOLE = '^-?[0-9]{1,19}\\z';

/** Digits that fit 38, of which 9 follow the point. */
export const DECIMAL_TEXT = '^-?[0-9]{1,29}([.][0-9]{1,9})?\\z';

/** RFC 3339 with a zone that every engine knows, in the years 1000 to 9999, without leap seconds. */
export const TIMESTAMP_TEXT =
  '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?' +
  '([Zz]|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)\\z';

export const DATE_TEXT = '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}\\z';

/** Digits that are finer than microseconds follow the group. */
export const FINE_DIGITS = '([.][0-9]{6})[0-9]+';

/** Below this a double holds every whole number exactly: 2^53. */
export const EXACT_BELOW = '9007199254740992';

/** The greatest finite double. */
export const MAX_DOUBLE = '1.7976931348623157E308';

/** Microseconds since 1970 of the year 10000, which engines treat differently. */
export const END_OF_TIME = '253402300800000000';
