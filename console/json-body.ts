import { gather } from '../local/http/body.ts';
import type { Exchange } from '../local/http/server.ts';
import { isJsonObject } from '../shared/core/json-value.ts';
import { Problem } from './answers.ts';

const MAX_BODY_BYTES = 256 * 1024;

/** The JSON object that a request carries. Throws a Problem. */
export async function jsonBody({ body }: Exchange): Promise<Record<string, unknown>> {
  const tooLarge = (bytes: number): Problem =>
    new Problem(413, `the request must have at most ${MAX_BODY_BYTES} bytes, got ${bytes}`);
  const text = (await gather(body, MAX_BODY_BYTES, tooLarge)).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // answered below
  }
  throw new Problem(400, 'the request must be a JSON object');
}
