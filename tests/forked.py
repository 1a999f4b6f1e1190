"""A process of `mcp-errortracking`, forked from one that has imported everything: it starts in a tenth of the time.

For tests of what a running server does. It has its own environment, working folder and streams, as a started process
has. Of the variables of the interpreter only PYTHONPATH has an effect: its `sitecustomize` is loaded. Tests of the
start itself start an interpreter.
"""

import atexit
import contextlib
import functools
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from tests import fork_client

_SERVER = Path(__file__).with_name("fork_server.py")


class Forked:
    """A running command, with the methods of `subprocess.Popen`. stdin and stdout are pipes, stderr if `errors`.

    It is one of `mcp-errortracking`, or `-c` and a script, as of Python.
    """

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path | str = ".",
        errors: bool = True,
        text: bool = False,
    ) -> None:
        stdin, ours_in = os.pipe()
        ours_out, stdout = os.pipe()
        ours_err, stderr = os.pipe() if errors else (None, os.dup(2))
        theirs = (stdin, stdout, stderr)
        with fork_client.request(_fork_server(), words, environment, os.path.abspath(folder), theirs) as connection:
            self._report = connection.makefile("rb", buffering=0)
        for one in theirs:
            os.close(one)
        kind = "" if text else "b"
        self.stdin: IO[Any] = os.fdopen(ours_in, f"w{kind}")
        self.stdout: IO[Any] = os.fdopen(ours_out, f"r{kind}")
        self.stderr: IO[Any] | None = None if ours_err is None else os.fdopen(ours_err, f"r{kind}")
        self._words = words
        self.pid = int(self._report.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None if it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Return the exit code: that of a signal is negative."""
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(list(self._words), timeout or 0)
            self.returncode = int(self._report.readline())
            self._report.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """Close stdin and wait for the end: the rest of stdout and stderr."""
        errors = list[Any]()
        reader = threading.Thread(target=lambda: errors.append(self.stderr and self.stderr.read()))
        reader.start()
        self._close_stdin()
        output = self.stdout.read()
        reader.join()
        self.wait(timeout)
        return output, errors[0]

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(15)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(9)

    def _close_stdin(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error is not None:
            self.kill()  # it may wait for what the test did not do
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self._close_stdin()
        self.wait()


def run(*words: str, environment: Mapping[str, str] = os.environ, folder: Path | str = ".") -> tuple[int, str, str]:
    """Run a command to its end without input. Return its exit code, stdout and stderr."""
    with Forked(words, environment, folder=folder, text=True) as process:
        out, err = process.communicate()
        return process.wait(), out, err


def command(*words: str) -> list[str]:
    """Return a command that is as `mcp-errortracking` with these words, for clients that start one."""
    return [sys.executable, "-I", "-S", str(Path(fork_client.__file__)), _fork_server(), *words]


@functools.cache
def _fork_server() -> str:
    """Start the server at its first use, for as long as this process lives. Return the address of its socket."""
    folder = tempfile.TemporaryDirectory(prefix="mcp-errortracking-test-")
    address = str(Path(folder.name, "fork"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        server = subprocess.Popen(
            [sys.executable, "-P", str(_SERVER), str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C in the terminal is for the tests
        )

    @atexit.register
    def end() -> None:  # pyright: ignore[reportUnusedFunction] called at the exit
        server.communicate()
        folder.cleanup()

    return address
