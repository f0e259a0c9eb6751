import type { ServerResponse } from 'node:http';

/** An error in the form of Google's JSON API; `message` names what was found and what was allowed. */
export class GcsError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly location?: { type: 'parameter' | 'header'; name: string },
  ) {
    super(message);
  }

  body(): Buffer {
    const place = this.location && { locationType: this.location.type, location: this.location.name };
    const error = { message: this.message, domain: 'global', reason: this.reason, ...place };
    return Buffer.from(
      JSON.stringify({ error: { code: this.status, message: this.message, errors: [error] } }),
    );
  }
}

export const noSuchObject = (bucket: string, name: string, generation?: bigint): GcsError =>
  new GcsError(
    404,
    'notFound',
    `No such object: ${bucket}/${name}${generation === undefined ? '' : `#${generation}`}`,
  );

export const noSuchBucket = (): GcsError =>
  new GcsError(404, 'notFound', 'The specified bucket does not exist.');

export const conditionNotMet = (header = 'If-Match'): GcsError =>
  new GcsError(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.', {
    type: 'header',
    name: header,
  });

export const invalid = (message: string, parameter?: string): GcsError =>
  new GcsError(
    400,
    'invalid',
    message,
    parameter === undefined ? undefined : { type: 'parameter', name: parameter },
  );

export const required = (parameter: string): GcsError =>
  new GcsError(400, 'required', `Required parameter: ${parameter}`, { type: 'parameter', name: parameter });

/** `asText`: reads of bodies (`alt=media`) get errors as plain text. */
export function sendError(response: ServerResponse, error: GcsError, asText: boolean): void {
  if (error.status === 304) {
    response.writeHead(304).end();
    return;
  }
  const body = asText ? Buffer.from(error.message) : error.body();
  response.writeHead(error.status, {
    'content-type': asText ? 'text/html; charset=UTF-8' : 'application/json; charset=UTF-8',
    'content-length': body.length,
  });
  response.end(body);
}
