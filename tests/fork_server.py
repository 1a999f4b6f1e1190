"""The process from which `tests.forked` forks: it has imported what the commands import, and waits for requests.

It listens on the socket that is its first argument, until its stdin ends. A request is the size of a JSON text, with
three descriptors: stdin, stdout and stderr. Then comes the text: the command line, the environment and the folder.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

from mcp_errortracking.cli.main import main, parse
from mcp_errortracking.sandbox import command
from mcp_errortracking.sandbox.app import Sandbox, create_app
from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.planting import plant
from mcp_errortracking.sandbox.seed import read_seed
from mcp_errortracking.sandbox.store import Store

_IMPORTED = (
    "mcp_errortracking.asgi",
    "mcp_errortracking.compose",
    "mcp_errortracking.sandbox.serving",
    "mcp_errortracking.server.http.serving",
    "mcp_errortracking.server.stdio",
)


def serve(listener: socket.socket) -> list[str]:
    """Fork for each request, until stdin ends. Return the command line in the process that is to run it."""
    while 0 not in select.select([listener, 0], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that ran the tests with & ignores it
            size, streams, _, _ = socket.recv_fds(connection, 4, 3)
            request = json.loads(connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
            process = os.fork()
            for number, one in enumerate(streams):
                os.dup2(one, number)
                os.close(one)
            if process:
                _report(process, connection)
            connection.close()
            return _enter(request)
        connection.close()
    os._exit(0)


def _enter(request: dict[str, Any]) -> list[str]:
    os.chdir(request["folder"])
    usual = os.environ.get("PYTHONPATH")
    os.environ.clear()
    os.environ.update(request["environment"])
    path = os.environ.get("PYTHONPATH", usual)
    if path != usual:
        _customize(str(path))
    return request["words"]


def _customize(path: str) -> None:
    """Load `sitecustomize` of another module path, as a started interpreter does."""
    sys.path[:0] = path.split(os.pathsep)
    sys.modules.pop("sitecustomize", None)
    importlib.import_module("sitecustomize")


def _report(process: int, connection: socket.socket) -> NoReturn:
    """Send the id of the process that runs the command, and at its end its exit code."""
    for stream in range(3):
        os.close(stream)
    with contextlib.suppress(OSError):  # the client may have left
        connection.sendall(b"%d\n" % process)
        _, status = os.waitpid(process, 0)
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _fill_caches() -> None:
    """Make once what nearly every process makes: the parser of the command line, patterns, ids of the sandbox."""
    parse([])
    seed = read_seed(Path(command.__file__).with_name("default_seed.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="mcp-errortracking-test-") as folder, closing(Store()) as store:
        sandbox = Sandbox(store, Objects(Path(folder), "no secret"), seed)
        plant(seed, store, sandbox.objects)
        create_app(sandbox)


def _script(text: str, *words: str) -> int:
    """Run a script, as `python -c` does."""
    sys.argv = ["-c", *words]
    exec(text, {"__name__": "__main__"})
    return 0


def _run(words: list[str]) -> None:
    """Run a command, and end without taking the modules apart, which would copy all memory of the server."""
    try:
        code = _script(*words[1:]) if words[0:1] == ["-c"] else main(words)
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        code = end.code
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue] as an interpreter that ends
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes that report
    for module in _IMPORTED:
        importlib.import_module(module)
    _fill_caches()
    gc.freeze()
    _run(serve(socket.socket(fileno=int(sys.argv[1]))))
