// Loaded before a process of a test: its connections to Google's services go to a server on this machine.
'use strict';
const tls = require('node:tls');

const { connect } = tls;
tls.connect = function (options, ...rest) {
  const host = String(options?.servername || options?.host || '');
  if (!/(?:^|\.)googleapis\.com$/.test(host)) throw new Error(`no connection is expected to ${host}`);
  const port = Number(process.env.GOOGLE_REDIRECT_PORT);
  return connect.call(
    this,
    { ...options, servername: host, host: '127.0.0.1', port, path: undefined },
    ...rest,
  );
};
