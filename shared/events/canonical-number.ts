/** Zeros that are written out: nobody writes those of 1e999999999. */
const MAX_ZEROS = 1_000;

/**
 * As ECMAScript writes the nearest double: `1.0`, `1e0` and `1` are all `1`, and so is what differs from it by
 * less than a double can tell. Whole numbers are different: identifiers of more than 53 bits are common, and one
 * that no double holds (9007199254740993) would share the id of its neighbour, so it keeps all its digits. So does
 * what is out of range (1e400). Takes time in proportion to the literal's length.
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

/** Digits of a whole number, the same for every spelling of it; undefined for a number with a fraction. */
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

// loops, since a regular expression that looks for zeros at the end tries each run of zeros in between
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

/** Decimal digits that a safe integer holds whatever they are. */
const SAFE_DIGITS = 15;

/** The decimal integer `text`, which may have a sign and any number of digits, and a safe integer, added. */
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

/** `digits` are more than zero. */
function oneLess(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return `${digits.slice(0, end - 1)}${Number(digits[end - 1]) - 1}${'9'.repeat(digits.length - end)}`;
}
