/** Digits of a slot's number: names sort as numbers do. Apart from the slots, since settings must load nothing. */
export const SLOT_DIGITS = 7;
export const MAX_SLOTS = 10 ** SLOT_DIGITS;
