import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { problem, sendAnswer } from './problem.ts';

/** An error of body-parser. https://github.com/jshttp/http-errors#error-properties */
interface HttpError extends Error {
  status?: number;
  /** True if the message is for the caller. */
  expose?: boolean;
}

/** The framework's server application, as far as it is used here. */
interface Application extends RequestListener {
  use(
    handler: (error: HttpError, request: IncomingMessage, response: ServerResponse, next: unknown) => void,
  ): unknown;
}

/**
 * Answers requests whose body functions-framework cannot parse with problem details. By itself, it answers with a
 * page of HTML that contains the stack. Must be called when the framework has added everything else.
 */
export function bodyProblems(listener: RequestListener): RequestListener {
  if (isApplication(listener)) {
    // four parameters are how it tells a handler of errors from others
    listener.use(({ status = 500, expose, message }, _request, response, _next) =>
      sendAnswer(response, problem(status, expose ? { detail: `body must be readable: ${message}` } : {})),
    );
  }
  return listener;
}

const isApplication = (listener: RequestListener): listener is Application => 'use' in listener;
