/**
 * True if a service's answer contains all that is wanted. Services add fields of their own and omit default values
 * (0, false, empty); neither is a difference. Lists are compared item by item. Lists whose items have a `key` are sets,
 * which services return in any order.
 */
export function covers(found: unknown, wanted: unknown): boolean {
  if (says(wanted) === false) return says(found) === false;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) &&
      found.length === wanted.length &&
      wanted.every((one, index) => covers(isKeyed(one) ? withKey(found, one.key) : found[index], one))
    );
  }
  if (isRecord(wanted)) {
    return isRecord(found) && Object.entries(wanted).every(([key, value]) => covers(found[key], value));
  }
  // the services' JSON has 64-bit numbers as strings
  return found === wanted || (found !== undefined && String(found) === String(wanted));
}

/** False for a default value, which services omit. */
function says(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isRecord(value)) return Object.values(value).some(says);
  return value !== undefined && value !== null && value !== 0 && value !== false && value !== '';
}

const isKeyed = (value: unknown): value is { key: unknown } => isRecord(value) && 'key' in value;

const withKey = (list: readonly unknown[], key: unknown): unknown =>
  list.find((one) => isKeyed(one) && one.key === key);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
