"""The command line, as a process and within the process of the tests."""

import gc
import io
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Generator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from mcp_errortracking.cli.main import main


def run(*words: str, stdin: str = "", folder: Path | str | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in a folder, in an environment without our variables."""
    done = subprocess.run(
        [sys.executable, "-m", "mcp_errortracking", *words],
        cwd=folder,
        env=_clean() | environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def run_here(
    *words: str, stdin: str = "", folder: Path | str | None = None, **environment: str
) -> tuple[int, str, str]:
    """The same as `run`, without the start of a process: for tests of what a command says. Not for one that serves."""
    out, err = _stream(), _stream()
    threshold = gc.get_threshold()
    with (
        patch.dict(os.environ, _clean() | environment, clear=True),
        patch.object(sys, "stdin", _stream(stdin)),
        patch.object(gc, "freeze"),  # `serve` freezes what its imports made: here, also what tests left
        chdir(folder or "."),
        redirect_stdout(out),
        redirect_stderr(err),
        _logging_of_a_new_process(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # the end of a process closes what a mistake left open
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            gc.set_threshold(*threshold)
    return code, _text(out), _text(err)


def _clean() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
    return clean | {"HOME": "/nonexistent"}


def _stream(text: str = "") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8")


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextmanager
def _logging_of_a_new_process() -> Generator[None]:
    """No handlers, so that the command sets up its own; afterwards those of pytest again."""
    root, ours = logging.getLogger(), logging.getLogger("mcp_errortracking")
    handlers, level = root.handlers[:], ours.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        ours.setLevel(level)
