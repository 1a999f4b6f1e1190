"""The cost of the journal for a write, and for a read.

    python -m benchmarks.journal

The calls go to an upstream of this process that answers at once, so that the difference is the journal's: the file,
and the read of the object before. Rounds with and without a journal take turns; the medians are printed.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio

from mcp_errortracking.journal.store import Journal
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.server.recording import Recorder

_ISSUE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
_ROUNDS = 15
_CALLS = 40
_WRITE = ("error-tracking-issues-partial-update", {"id": _ISSUE, "status": "resolved"})
_READ = ("error-tracking-issues-retrieve", {"id": _ISSUE})


class _Upstream:
    """Answers each request with an issue."""

    project = "1"
    attempts = 1
    data = {"id": _ISSUE, "name": "TypeError", "status": "active", "description": "x" * 200, "severity": None}

    async def send(self, *_: Any, **__: Any) -> "_Upstream":
        return self


async def _seconds(caller: ToolCaller, tool: str, arguments: dict[str, Any]) -> float:
    """Return the time of one call, the mean of some."""
    began = time.perf_counter()
    for _ in range(_CALLS):
        reply = await caller.call(_Upstream(), tool, arguments)
        assert not reply.is_error, reply.text
    return (time.perf_counter() - began) / _CALLS


async def _measure(file: Path) -> None:
    without = ToolCaller(time_limit=10)
    recorded = ToolCaller(time_limit=10, recorder=Recorder(Journal(file), "http://localhost"))
    for name, call in (("write", _WRITE), ("read", _READ)):
        pairs = [(await _seconds(without, *call), await _seconds(recorded, *call)) for _ in range(_ROUNDS)]
        plain, with_journal = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
        ratio = statistics.median(more / less for less, more in pairs)
        print(f"{name}: {plain:.2f} ms without, {with_journal:.2f} ms with a journal, {ratio:.2f} times as long")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(_measure, Path(folder, "changes.db"))
