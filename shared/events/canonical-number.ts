/** Exponents above this are not expanded to zeros: consider 1e999999999. */
const MAX_ZEROS = 1_000;

/**
 * Formats a number as ECMAScript formats the nearest double: `1.0`, `1e0` and `1` all become `1`, as do numbers
 * that a double cannot distinguish from it. Whole numbers are an exception: identifiers of more than 53 bits are
 * common, and one that no double represents (9007199254740993) would share its neighbour's id, so it keeps all its
 * digits. So do numbers out of range (1e400). Linear in the literal's length.
 */
export function canonicalNumber(literal: string): string {
  const value = Number(literal);
  const short = String(value);
  if (short === literal) return short;
  // RFC 8785: minus zero is zero
  if (value === 0) return '0';
  const isExact = Number.isFinite(value) && (!Number.isInteger(value) || wholeOf(literal) === wholeOf(short));
  return isExact ? short : (wholeOf(literal) ?? (Number.isFinite(value) ? short : literal));
}

/** Digits of a whole number, equal for every spelling of it; undefined for a number with a fraction. */
function wholeOf(literal: string): string | undefined {
  const sign = literal.startsWith('-') ? '-' : '';
  const mark = literal.search(/e/i);
  const coefficient = literal.slice(sign.length, mark < 0 ? undefined : mark);
  const point = coefficient.indexOf('.');
  const fraction = point < 0 ? 0 : coefficient.length - point - 1;
  const digits = point < 0 ? coefficient : coefficient.slice(0, point) + coefficient.slice(point + 1);
  const [first, end] = [leadingZeros(digits), endOfDigits(digits)];
  const exponent = mark < 0 ? '0' : literal.slice(mark + 1);
  const zeros = sumOf(exponent, digits.length - end - fraction);
  if (zeros.startsWith('-')) return undefined;
  const significant = digits.slice(first, end);
  return zeros.length <= 4 && Number(zeros) <= MAX_ZEROS
    ? `${sign}${significant}${'0'.repeat(Number(zeros))}`
    : `${sign}${significant}e${zeros}`;
}

// loops: a regular expression for trailing zeros would retry each run of zeros in between
function leadingZeros(digits: string): number {
  let at = 0;
  while (digits[at] === '0') at++;
  return at;
}

function endOfDigits(digits: string): number {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end--;
  return end;
}

/** Number of decimal digits that always fit a safe integer. */
const SAFE_DIGITS = 15;

/** Adds a safe integer to the decimal integer `text`, which may have a sign and any number of digits. */
function sumOf(text: string, addend: number): string {
  const isNegative = text.startsWith('-');
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  const digits = unsigned.slice(leadingZeros(unsigned));
  if (digits.length <= SAFE_DIGITS) {
    const value = Number(digits);
    return String((isNegative ? -value : value) + addend);
  }
  // the sum has the sign of the long number: the addend counts characters of a text
  const step = isNegative ? -addend : addend;
  const unit = 10 ** SAFE_DIGITS;
  const low = Number(digits.slice(-SAFE_DIGITS)) + step;
  let high = digits.slice(0, -SAFE_DIGITS);
  if (low >= unit) high = oneMore(high);
  if (low < 0) high = oneLess(high);
  const rest = String((low + unit) % unit).padStart(SAFE_DIGITS, '0');
  const sum = `${high}${rest}`;
  return `${isNegative ? '-' : ''}${sum.slice(leadingZeros(sum))}`;
}

function oneMore(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '9') end--;
  const zeros = '0'.repeat(digits.length - end);
  return end === 0 ? `1${zeros}` : `${digits.slice(0, end - 1)}${Number(digits[end - 1]) + 1}${zeros}`;
}

/** `digits` must be greater than zero. */
function oneLess(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return `${digits.slice(0, end - 1)}${Number(digits[end - 1]) - 1}${'9'.repeat(digits.length - end)}`;
}
