// Plain CommonJS: it also runs before functions-framework in every function process, where no TypeScript is loaded.
'use strict';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Says why a web page may have made a request, possibly under a foreign name; undefined if none can have. A page
 * that rebinds its DNS name to 127.0.0.1 sends that name as Host; any other page sends Origin or Sec-Fetch-Site
 * (https://www.w3.org/TR/fetch-metadata/, RFC 6454), which no client of a service does.
 */
function refusal(request) {
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  const port = request.socket.localPort;
  const own = `localhost:${port} or 127.0.0.1:${port}`;
  const usual = request.socket.encrypted ? 443 : 80;
  if (!isOwn(host, port, usual)) return `Host must be ${own}, got ${shown(host)}`;
  if (origin !== undefined && !isOwn(withoutScheme(request, origin), port, usual)) {
    return `Origin must be absent or this server's own, got ${shown(origin)}`;
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return `Sec-Fetch-Site must be absent, none or same-origin, got ${shown(site)}`;
  }
  return undefined;
}

function isOwn(host, port, usual) {
  const [, name, given] = /^(.*?)(?::(\d{1,5}))?$/.exec(host ?? '') ?? [];
  return LOOPBACK.test((name ?? '').toLowerCase()) && Number(given ?? usual) === port;
}

function withoutScheme(request, origin) {
  const scheme = request.socket.encrypted ? 'https://' : 'http://';
  return origin.startsWith(scheme) ? origin.slice(scheme.length) : undefined;
}

function shown(header) {
  return header === undefined ? 'none' : JSON.stringify(String(header).slice(0, 200));
}

/** Answers 403 to every request that a web page may have made, before the rest of the server sees it. */
function guard(server) {
  const { emit } = server;
  server.emit = function (event, request, response, ...rest) {
    const isRequest = event === 'request' || event === 'checkContinue' || event === 'checkExpectation';
    const why = isRequest ? refusal(request) : undefined;
    if (why === undefined) return emit.call(this, event, request, response, ...rest);
    // drain it: a client that is still sending would see a reset instead of the answer
    request.on('error', () => {}).resume();
    const body = `refused: ${why}. Web pages and foreign names have no access to the local cloud.\n`;
    response.on('error', () => {});
    response.writeHead(403, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      connection: 'close',
    });
    response.end(body);
    return true;
  };
  return server;
}

module.exports = { guard, refusal };
