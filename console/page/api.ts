import type { FeedEvent, ProblemAnswer, UploadKey } from '../api-types.ts';

/** A failure that the page shows as it is. */
export class ApiError extends Error {}

type Query = Readonly<Record<string, string | number | undefined>>;

/** Address below the page's own, which has the token. */
function address(path: string, query: Query = {}): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) text.set(name, String(value));
  const search = text.toString();
  return new URL(`api/${path}${search === '' ? '' : `?${search}`}`, document.baseURI).href;
}

export function mediaUrl({ bucket, name, generation }: UploadKey): string {
  return address('media', { bucket, name, generation });
}

export function getJson<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(fetch(address(path, query), { ...(signal && { signal }) }));
}

export function postJson<T>(path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return answerOf<T>(fetch(address(path), { method: 'POST', headers, body: JSON.stringify(body) }));
}

/** Uploads with progress, which fetch does not report. `share` is from 0 to 1. */
export function postFile<T>(
  path: string,
  query: Query,
  file: Blob,
  onProgress: (share: number) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', address(path, query));
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onerror = () => reject(new ApiError(LOST));
    request.onload = () => {
      try {
        const value: unknown = JSON.parse(request.responseText);
        if (request.status < 300) resolve(value as T);
        else reject(new ApiError((value as ProblemAnswer).problem));
      } catch {
        reject(new ApiError(request.responseText.slice(0, 300)));
      }
    };
    request.send(file);
  });
}

const LOST = 'The console does not answer. Start it again, and open the address that it prints.';

async function answerOf<T>(asked: Promise<Response>): Promise<T> {
  const response = await asked.catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(LOST);
  });
  const text = await response.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ApiError(text.slice(0, 300));
  }
  if (response.ok) return value as T;
  throw new ApiError((value as ProblemAnswer).problem);
}

/** Calls `listener` with what the local cloud does, until the page is closed. */
export function listen(listener: (event: FeedEvent) => void): void {
  const source = new EventSource(address('feed'));
  source.onmessage = ({ data }) => listener(JSON.parse(String(data)) as FeedEvent);
}
