import { useEffect, useState } from 'preact/hooks';

/** A place in the console, as the part of the address after `#`: it can be shared and bookmarked. */
export interface Route {
  /** Decoded parts of the path: `['uploads', 'raw', '17', 'a.mp4']`. */
  parts: string[];
  query: URLSearchParams;
}

export function parseHash(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  return { parts: path.split('/').map(decoded), query: new URLSearchParams(search) };
}

export function linkTo(parts: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  const search = new URLSearchParams(given).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

export function go(parts: readonly string[], query: Readonly<Record<string, string>> = {}): void {
  location.hash = linkTo(parts, query);
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const onChange = (): void => setHash(location.hash);
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return parseHash(hash);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
