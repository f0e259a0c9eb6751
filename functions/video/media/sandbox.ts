import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { Server } from 'node:net';
import type { RangeHost } from '../../../shared/storage/range-host.ts';
import { type Command, limited } from './process-limits.ts';

/**
 * Linux namespaces around ffmpeg, created without root: a network that contains only our range server, a process
 * namespace, and a user that cannot inspect processes outside. docs/sandbox.md lists what remains open to code that
 * takes over ffmpeg.
 */
export interface Sandbox {
  /** Wraps a command to run inside. */
  enter(command: Command): Command;
  /** Serves bytes to processes inside. */
  host: RangeHost;
  /** True if its network is gone: a command that fails now failed because of that. */
  readonly ended: boolean;
}

/** Brings up the loopback interface, only inside: with `ip` or Perl, whichever the image has. */
const LOOPBACK_UP =
  'ip link set lo up 2>/dev/null || perl -e \'socket($s,2,2,0)&&ioctl($s,0x8914,pack("a16s@40","lo",0x41))||exit 1\'';

/** Listens inside and passes the socket out: a socket stays in the network that created it. */
const LISTEN = `const server = require('net').createServer().listen(0, '127.0.0.1', () =>
  process.send({ port: server.address().port }, server, () => process.exit()));`;

const OPENING_MS = 10_000;

let opened: Promise<Sandbox | undefined> | undefined;

/** One per process, created on first use; undefined if this system does not allow it. */
export function openSandbox(): Promise<Sandbox | undefined> {
  if (!opened) {
    const made = open();
    opened = made;
    // its network ended: the next video creates another
    made.then((sandbox) =>
      sandbox?.gone.then(() => {
        if (opened === made) opened = undefined;
      }),
    );
  }
  return opened;
}

async function open(): Promise<(Sandbox & { gone: Promise<void> }) | undefined> {
  if (process.platform !== 'linux') return undefined;
  const script = `(${LOOPBACK_UP}) && "$0" -e "$1" && exec 3>&- && exec cat`;
  const holder = spawn(
    'unshare',
    ['--user', '--map-root-user', '--net', '--', '/bin/sh', '-c', script, process.execPath, LISTEN],
    { stdio: ['pipe', 'ignore', 'ignore', 'ipc'], env: { PATH: process.env['PATH'] } },
  );
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    const end = (): void => {
      ended = true;
      resolve();
    };
    holder.once('error', end);
    holder.once('exit', end);
  });
  const door = await received(holder, gone);
  if (!door || !(await canEnter(holder.pid!))) {
    holder.kill('SIGKILL');
    door?.server.close();
    return undefined;
  }
  // It lives as long as this process, whose end closes its input, and does not keep the event loop alive.
  holder.unref();
  (holder.stdin as unknown as { unref(): void }).unref();
  return {
    enter: (command) => inside(holder.pid!, command),
    host: hostOf(door.server, door.port),
    get ended() {
      return ended;
    },
    gone,
  };
}

function received(
  holder: ChildProcess,
  gone: Promise<void>,
): Promise<{ server: Server; port: number } | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), OPENING_MS);
    const settle = (door?: { server: Server; port: number }): void => {
      clearTimeout(timer);
      resolve(door);
    };
    gone.then(() => settle());
    holder.once('message', (message, handle) => {
      const { port } = message as { port: number };
      settle(handle ? { server: handle as Server, port } : undefined);
    });
  });
}

function canEnter(pid: number): Promise<boolean> {
  // With its limits, since an older kernel counts all processes of this user id.
  const trial = { path: '/bin/sh', args: ['-c', '(exit 0); exit $?'] };
  const limits = { memoryBytes: 256 * 1024 * 1024, seconds: 10, countProcesses: true };
  const { path, args } = inside(pid, limited(trial, limits));
  return new Promise((resolve) => {
    const child = spawn(path, args, { stdio: 'ignore', env: { PATH: process.env['PATH'] } });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
}

/**
 * The network is entered through its user, who has all rights there; the second user, inside, has none. Killing it
 * from here ends everything inside.
 */
function inside(pid: number, { path, args }: Command): Command {
  const enter = ['--preserve-credentials', '--user', '--net', '--target', String(pid), '--'];
  const confine = ['unshare', '--user', '--pid', '--fork', '--kill-child', '--'];
  return { path: 'nsenter', args: [...enter, ...confine, path, ...args] };
}

function hostOf(inner: Server, port: number): RangeHost {
  const served = new Map<string, RequestListener>();
  const server = createServer({ keepAlive: false, noDelay: true }, (request, response) => {
    const serve = served.get(request.url ?? '');
    if (serve) serve(request, response);
    else response.writeHead(404, { 'content-length': 0, connection: 'close' }).end();
  });
  inner.on('connection', (socket) => void server.emit('connection', socket));
  inner.maxConnections = 16;
  inner.unref();
  return {
    async open(path, serve) {
      served.set(path, serve);
      return {
        url: `http://127.0.0.1:${port}${path}`,
        async close() {
          served.delete(path);
        },
      };
    },
  };
}
