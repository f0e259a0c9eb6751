/** Digits of a slot's number: names sort as numbers do. */
export const SLOT_DIGITS = 7;
/** For settings, which load nothing else. */
export const MAX_SLOTS = 10 ** SLOT_DIGITS;
