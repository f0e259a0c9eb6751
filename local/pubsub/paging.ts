import { invalid } from './errors.ts';

export interface Page<T> {
  items: T[];
  nextPageToken?: string;
}

const MAX_PAGE = 1_000;

/** One page, sorted by name; the token is the name that the next page starts with. */
export function pageOf<T>(all: readonly T[], nameOf: (item: T) => string, query: URLSearchParams): Page<T> {
  const size = Number(query.get('pageSize') ?? query.get('page_size') ?? 0);
  if (!Number.isInteger(size) || size < 0) throw invalid(`page_size must be 0 or more, got ${size}`);
  const token = query.get('pageToken') ?? query.get('page_token') ?? '';
  const rest = all.filter((item) => nameOf(item) >= token).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const count = size === 0 ? MAX_PAGE : Math.min(size, MAX_PAGE);
  const next = rest[count];
  return { items: rest.slice(0, count), ...(next !== undefined && { nextPageToken: nameOf(next) }) };
}
