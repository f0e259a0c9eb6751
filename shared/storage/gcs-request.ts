import { stringify } from 'node:querystring';
import type { Bucket } from '@google-cloud/storage';

type Interceptor = Bucket['interceptors'][number];

/**
 * Adds headers to a call of the library, and keeps its hands off names: anywhere in a query or in metadata it
 * would put the project's id in place of the text `{{projectId}}`.
 */
export function requestShield(headers: Record<string, string>): Interceptor {
  return {
    request(request) {
      const { qs, multipart, ...rest } = request;
      const uri = String('uri' in request ? request.uri : '');
      const query = stringify(qs as Record<string, string>);
      return {
        ...rest,
        uri: query === '' ? uri : `${uri}?${query}`,
        headers: { ...request.headers, ...headers },
        ...(Array.isArray(multipart) && { multipart: multipart.map(shieldPart) }),
      };
    },
  };
}

function shieldPart<T>(part: T): T {
  const { body } = part as { body?: unknown };
  // the same JSON, in other letters
  return typeof body === 'string' ? { ...part, body: body.replaceAll('{{', '{\\u007b') } : part;
}
