// Loaded into every function process before the framework.
'use strict';
const net = require('node:net');

// The framework listens on all interfaces; on a developer's machine the function is nobody else's business.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const callback = rest.find((argument) => typeof argument === 'function');
  const isPort = (typeof port === 'number' || typeof port === 'string') && typeof rest[0] !== 'string';
  return isPort ? listen.call(this, Number(port), '127.0.0.1', callback) : listen.call(this, port, ...rest);
};

// The parent may be killed without a chance to end us.
process.on('disconnect', () => process.exit(0));
