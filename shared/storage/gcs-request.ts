import { stringify } from 'node:querystring';
import type { Bucket } from '@google-cloud/storage';

type Interceptor = Bucket['interceptors'][number];

/**
 * Adds headers to a call of the library, and protects names from it: in any query or metadata it would replace the
 * text `{{projectId}}` by the project's id.
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
  // the same JSON, differently escaped
  return typeof body === 'string' ? { ...part, body: body.replaceAll('{{', '{\\u007b') } : part;
}
