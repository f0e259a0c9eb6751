"""The real gcloud, loaded once and forked for each command: saves Python's start and its imports.

usage: gcloud_fork.py SDK_ROOT SOCKET NAMES    (prints `ready` when it listens)

The file NAMES lists modules that earlier runs had to import; those of this run are added to it.

A command comes over the socket as one line, a literal of (argv, env, cwd), with its standard streams as file
descriptors; its exit code goes back. If the client disconnects, the command is killed, as it would be if it
were the client's own process.
"""

import ast
import gc
import importlib
import os
import signal
import socket
import sys
import threading


def main(root, path, names):
    lib = os.path.join(root, "lib")
    sys.path[:0] = [os.path.join(lib, "third_party"), lib]
    import googlecloudsdk.gcloud_main as gcloud

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if os.path.exists(names):
        with open(names) as file:
            load(file.read().split())
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(64)
    learned_by_parent, learned_by_child = os.pipe()
    # Neither side waits for the other: what does not fit is sent by a later command.
    os.set_blocking(learned_by_parent, False)
    os.set_blocking(learned_by_child, False)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        learn(learned_by_parent, names)
        # a collection in the child would write to, and so copy, every page
        gc.freeze()
        if os.fork() == 0:
            listener.close()
            run(connection, gcloud, learned_by_child)
        connection.close()


def learn(pipe, path):
    """Imports the modules that earlier commands had to import themselves."""
    try:
        names = os.read(pipe, 1 << 16).decode().split()
    except BlockingIOError:
        return
    new = [name for name in dict.fromkeys(names) if name not in sys.modules]
    load(new)
    with open(path, "a") as file:
        file.writelines(name + "\n" for name in new if name in sys.modules)


def load(names):
    for name in names:
        if name.startswith(("googlecloudsdk.", "apitools.", "google.", "requests", "urllib3")):
            try:
                importlib.import_module(name)
            except Exception:  # a name truncated by the pipe, or a module that needs the earlier process's state
                pass


def run(connection, gcloud, learned):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    gc.disable()
    data, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 20)
    argv, env, cwd = ast.literal_eval(data.decode())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["gcloud", *argv]
    threading.Thread(target=watch, args=(connection,), daemon=True).start()
    before = set(sys.modules)
    code = 0
    try:
        gcloud.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    added = "\n".join(sorted(set(sys.modules) - before)).encode() + b"\n"
    try:
        # Writes of up to 4096 bytes to a pipe are atomic.
        for start in range(0, len(added), 4000):
            os.write(learned, added[start : start + 4000])
    except BlockingIOError:
        pass
    try:
        connection.sendall(b"%d" % code)
    finally:
        os._exit(code)


def watch(connection):
    if connection.recv(1) == b"":
        os._exit(137)


if __name__ == "__main__":
    main(*sys.argv[1:])
