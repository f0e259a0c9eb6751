/** Google's canonical codes that this control plane answers with, and their HTTP statuses. */
const HTTP = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  PRECONDITION_FAILED: 412,
  RESOURCE_EXHAUSTED: 429,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
} as const;

export type Code = keyof typeof HTTP;

/** An error as Google's APIs send it: google.rpc.Status, with the `errors` list that Cloud Storage still has. */
export class ApiError extends Error {
  constructor(
    readonly code: Code,
    message: string,
    readonly details: readonly object[] = [],
    /** Cloud Storage's own name for it. */
    readonly reason: string = code,
  ) {
    super(message);
  }

  get http(): number {
    return HTTP[this.code];
  }

  body(): object {
    return {
      error: {
        code: this.http,
        message: this.message,
        status: this.code,
        errors: [{ message: this.message, domain: 'global', reason: this.reason }],
        ...(this.details.length > 0 && { details: this.details }),
      },
    };
  }
}

export const invalid = (message: string): ApiError =>
  new ApiError('INVALID_ARGUMENT', message, [], 'invalid');
export const notFound = (message: string): ApiError => new ApiError('NOT_FOUND', message, [], 'notFound');
export const exists = (message: string): ApiError => new ApiError('ALREADY_EXISTS', message, [], 'conflict');
export const unmet = (message: string): ApiError => new ApiError('FAILED_PRECONDITION', message);

export const denied = (message: string): ApiError =>
  new ApiError('PERMISSION_DENIED', message, [], 'forbidden');

const info = (reason: string, metadata: Record<string, string>): object => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
  metadata,
});

/** The error of any API in a project that has not enabled it. */
export function serviceDisabled(api: string, title: string, project: string, number: string): ApiError {
  const url = `https://console.developers.google.com/apis/api/${api}/overview?project=${project}`;
  return new ApiError(
    'PERMISSION_DENIED',
    `${title} has not been used in project ${project} before or it is disabled. Enable it by visiting ${url} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.`,
    [
      info('SERVICE_DISABLED', {
        service: api,
        consumer: `projects/${number}`,
        serviceTitle: title,
        activationUrl: url,
      }),
      {
        '@type': 'type.googleapis.com/google.rpc.Help',
        links: [{ description: 'Google developers console API activation', url }],
      },
    ],
    'accessNotConfigured',
  );
}

export function permissionDenied(permission: string, resource: string): ApiError {
  return new ApiError(
    'PERMISSION_DENIED',
    `Permission '${permission}' denied on resource '${resource}' (or it may not exist).`,
    [info('IAM_PERMISSION_DENIED', { permission, resource })],
    'forbidden',
  );
}

export function quotaExceeded(api: string, number: string): ApiError {
  return new ApiError(
    'RESOURCE_EXHAUSTED',
    `Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service '${api}' for consumer 'project_number:${number}'.`,
    [info('RATE_LIMIT_EXCEEDED', { service: api, consumer: `projects/${number}`, quota_limit_value: '60' })],
    'rateLimitExceeded',
  );
}
