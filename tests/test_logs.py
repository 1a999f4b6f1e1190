"""The log under pressure: without descriptors, and when peers cause its lines."""

import io
import logging
import subprocess
import sys

import pytest

from mcp_errortracking.logs import LENGTH, LINES, LineLimit, TextFormatter

NO_DESCRIPTORS = """
import logging, os, resource
from mcp_errortracking import logs
logs.set_up("info", {style!r})
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True:
        os.open("/dev/null", os.O_RDONLY)
except OSError:
    logging.getLogger("x").exception("accept failed\\n\U000e0041")
"""


@pytest.mark.parametrize("style", ["text", "json"])
def test_the_log_needs_no_descriptor(style: str) -> None:
    command = [sys.executable, "-c", NO_DESCRIPTORS.format(style=style)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)

    first, *rest = done.stderr.splitlines()
    assert "\\udb40\\udc41" in first
    assert "Too many open files" in (rest[-1] if style == "text" else first)
    assert "Logging error" not in done.stderr


def test_a_warning_that_a_peer_can_cause_is_written_a_few_times_a_minute() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(LineLimit())
    handler.setFormatter(TextFormatter())

    def warn(times: int, minute: int, host: str) -> None:
        for _ in range(times):
            record = logging.LogRecord("mcp", logging.WARNING, "a.py", 7, "Invalid Host header: %s", (host,), None)
            record.created = minute * 60.0
            handler.handle(record)

    warn(1000, 1, "x" * 60_000)
    other = logging.LogRecord("mcp", logging.WARNING, "a.py", 8, "another", (), None)
    other.created = 60.0
    handler.handle(other)
    warn(1, 2, "y")

    lines = out.getvalue().splitlines()
    assert len(lines) == LINES + 2
    assert max(map(len, lines)) < LENGTH + 100
    assert lines[LINES - 1].startswith(
        "mcp-errortracking: WARNING: (similar lines are left out for a minute) Invalid Host"
    )
    assert lines[LINES:] == [
        "mcp-errortracking: WARNING: another",
        "mcp-errortracking: WARNING: Invalid Host header: y",
    ]
