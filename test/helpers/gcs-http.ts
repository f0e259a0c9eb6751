import type { TestGcs } from './gcs.ts';

export interface Resource {
  name: string;
  generation: string;
  metageneration: string;
  [key: string]: unknown;
}

/** Plain requests to the local server's bucket `bucket`, as any HTTP client makes them. */
export function plainClient(gcs: () => TestGcs) {
  let count = 0;
  const at = (path: string): string => `${gcs().server.url}${path}`;
  const upload = (
    name: string,
    body: string | Buffer,
    query = '',
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    fetch(at(`/upload/storage/v1/b/bucket/o?uploadType=media&name=${encodeURIComponent(name)}${query}`), {
      method: 'POST',
      headers: { 'content-type': 'text/plain', ...headers },
      body,
    });
  return {
    at,
    upload,
    /** A name that no test has used yet. */
    fresh: (): string => `object-${count++}`,
    objectPath: (name: string): string => `/storage/v1/b/bucket/o/${encodeURIComponent(name)}`,
    call: (
      method: string,
      path: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<Response> =>
      fetch(at(path), {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    created: async (name: string, body: string | Buffer = 'body'): Promise<Resource> =>
      (await (await upload(name, body)).json()) as Resource,
  };
}
