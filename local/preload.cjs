// Loaded into every function process before the framework.
'use strict';
const http = require('node:http');
const net = require('node:net');
const { guard } = require('./guard.cjs');

// The framework listens on all interfaces; on a developer's machine the function must stay private.
const listen = net.Server.prototype.listen;
let told = false;
net.Server.prototype.listen = function (port, ...rest) {
  // Web pages are blocked here and not in the framework: the deployed code stays unchanged.
  if (this instanceof http.Server) guard(this);
  const callback = rest.find((argument) => typeof argument === 'function');
  if (typeof port === 'object' && port?.port !== undefined) {
    return listen.call(this, { ...port, host: '127.0.0.1' }, ...rest);
  }
  const isPort = (typeof port === 'number' || typeof port === 'string') && typeof rest[0] !== 'string';
  if (!isPort) return listen.call(this, port, ...rest);
  // Its parent asked for any free port: one picked before listening could be taken by then.
  if (!told) this.once('listening', () => process.send?.({ port: this.address().port }));
  told = true;
  return listen.call(this, Number(port), '127.0.0.1', callback);
};

// The parent may be killed without a chance to stop us.
process.on('disconnect', () => process.exit(0));
