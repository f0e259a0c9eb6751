/**
 * Digits of a slot's number, so that names sort like numbers. In a file of its own, since settings must load
 * nothing.
 */
export const SLOT_DIGITS = 7;
export const MAX_SLOTS = 10 ** SLOT_DIGITS;
