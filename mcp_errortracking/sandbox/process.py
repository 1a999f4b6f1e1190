"""The sandbox as a child process, which ends when this process does, even if it is killed."""

import json
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from mcp_errortracking import child

_PATIENCE = 10.0
"""Seconds for the end of the process, more than it takes for calls in flight."""


class SandboxStartError(Exception):
    """The sandbox process ended before it listened; its messages are on stderr."""


class Sandbox:
    """A running sandbox on a free loopback port.

    `url` is its address, `key` the first of its API keys, `project_id` its first project; `facts` is its whole
    announcement at its start.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        """Start the process, with more `options` of the `sandbox` command (paths absolute), and wait until it listens.

        Raises:
            SandboxStartError: the process did not start.
        """
        base = ("--port", "0", "--json", "--until-stdin-closes")
        # An own session: Ctrl-C in the terminal is for the parent, which ends the sandbox when it is done with it.
        self._process = subprocess.Popen(  # noqa: S603 a fixed command
            child.command("mcp_errortracking.sandbox", *base, *options),
            cwd=child.FOLDER,
            env=child.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # on Windows, in place of a session
        )
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise SandboxStartError(f"the sandbox did not start (exit code {self._process.wait()})")
        self.facts: dict[str, Any] = json.loads(line)
        self.url: str = self.facts["url"]
        self.key: str = self.facts["keys"][0]["key"]
        self.project_id: int = self.facts["project_id"]

    def stop(self) -> None:
        """End the process and wait for its end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if sys.platform != "win32":  # there it would end at once and leave its files; the end of stdin has to do
            self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
