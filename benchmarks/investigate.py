"""The speed of the brief of an issue, of the report on a deploy, and of blame on a long history.

python -m benchmarks.investigate     print the table, with the goals

The brief is measured without its requests to the sandbox. The history has 50,000 commits; the lines of the ten frames
were last changed in its first hundredth, so that all of it is followed.
"""

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio

from mcp_errortracking import config
from mcp_errortracking.compose import proxy_for
from mcp_errortracking.sandbox.process import Sandbox
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.server.observe import CallRecord
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.issue_brief.frames import AppFrame
from mcp_errortracking.workflows.issue_brief.source import Commits, local_source

BRIEF, REPORT = "error-tracking-issue-brief", "error-tracking-deploy-report"
ISSUES, COMMITS, FILES, FOLDERS, FRAMES, LINES = 500, 50_000, 400, 20, 10, 60
_TIMES = 5
_KEY = "phx_investigate"


def main() -> None:
    """Print a row for each."""
    print("| | time | requests | goal |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ids = long_history(root)
        sandbox = Sandbox()
        try:
            issue = _busiest(sandbox)
            record = _median(sandbox, BRIEF, {"id": issue}, (root,))
            print(
                _row(
                    "brief of an issue, without its requests", record.ms - record.upstream_ms, record.requests, "300 ms"
                )
            )
        finally:
            sandbox.stop()
        seed = root / "seed.json"
        seed.write_text(json.dumps(many_issues()), "utf-8")
        sandbox = Sandbox(["--seed", str(seed)])
        try:
            record = _median(sandbox, REPORT, {}, ())
            print(_row(f"deploy report of {ISSUES} issues", record.ms, record.requests, "1 s, 12 requests"))
            print(
                _row(
                    "the same, without its requests, two of which run at a time (about)",
                    record.ms - record.upstream_ms / 2,
                    record.requests,
                    "",
                )
            )
        finally:
            sandbox.stop()
        for name, commits in (
            ("blame", Commits(ids[-1])),
            ("blame and suspects", Commits(ids[-1], ids[-1], ids[-2000])),
        ):
            began, cpu = time.perf_counter(), time.process_time()
            found = local_source([root], frames(), commits)
            spent, cpu = (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000
            known = sum(one.commit is not None for one in found.frames)
            title = f"{name} of {FRAMES} frames in {COMMITS:,} commits ({known} found; {cpu:,.0f} ms of CPU)"
            print(_row(title, spent, 0, "2 s"))


def frames() -> list[AppFrame]:
    """Return frames in ten files."""
    return [AppFrame("run", f"/srv/app/{_path(number)}", LINES // 2) for number in range(FRAMES)]


def long_history(folder: Path) -> list[str]:
    """Make a checkout with many commits, each of one file, and return the ids of the commits, the oldest first."""

    def git(*words: str, given: bytes | None = None) -> bytes:
        return subprocess.run(["git", *words], cwd=folder, input=given, capture_output=True, check=True).stdout

    git("init", "--quiet", "--initial-branch", "main")
    git("fast-import", "--quiet", given=b"".join(_stream()))
    git("reset", "--quiet", "--hard", "main")
    return git("rev-list", "--reverse", "main").decode().split()


def many_issues() -> dict[str, Any]:
    """Return a project with issues that users met before and after its last release."""
    issues, events = list[dict[str, Any]](), list[dict[str, Any]]()
    for number in range(ISSUES):
        issues.append({"name": f"Error {number}", "first_seen": "-20d", "fingerprints": [f"f{number}"]})
        for day, users in (("-0.1d", 1 + number % 3), ("-1.1d", 2)):
            events += [
                {"fingerprint": f"f{number}", "timestamp": day, "distinct_id": f"{day} {number} {user}"}
                for user in range(users)
            ]
    return {
        "projects": [{"id": 1}],
        "keys": [{"value": _KEY}],
        "issues": issues,
        "events": events,
        "releases": [{"version": "1", "created_at": "-3d"}, {"version": "2", "created_at": "-0.25d"}],
    }


def _path(number: int) -> str:
    return f"src/part{number % FOLDERS}/file{number}.py"


def _stream() -> Iterator[bytes]:
    """Yield the commits for `git fast-import`. The middle line of a file stays as its first commit wrote it."""
    begin = datetime.now(UTC) - timedelta(minutes=COMMITS)
    for number in range(COMMITS):
        file = number % FILES
        lines = [f"value_{line} = {file}" for line in range(LINES)]
        if number >= FILES:
            lines[number % (LINES // 3)] = f"value = {number}"
        content = "\n".join(lines).encode() + b"\n"
        message = b"Change %d" % number
        at = int((begin + timedelta(minutes=number)).timestamp())
        yield b"commit refs/heads/main\ncommitter Ada <ada@acme.example> %d +0000\n" % at
        yield b"data %d\n%s\n" % (len(message), message)
        yield b"M 100644 inline %s\ndata %d\n%s\n" % (_path(file).encode(), len(content), content)


def _busiest(sandbox: Sandbox) -> str:
    asked = {"status": "all", "orderBy": "occurrences", "dateRange": {"date_from": "-30d"}, "limit": 1}
    (reply,) = anyio.run(_call, sandbox, "query-error-tracking-issues-list", asked, (), 1)[1]
    return str(reply["results"][0]["id"])


def _median(sandbox: Sandbox, tool: str, arguments: dict[str, Any], roots: tuple[Path, ...]) -> CallRecord:
    """Return the record of the call that took the median time of its own; the first call warms up and is left out."""
    records = anyio.run(_call, sandbox, tool, arguments, roots, 1 + _TIMES)[0][1:]
    middle = statistics.median_low(one.ms - one.upstream_ms for one in records)
    return next(one for one in records if one.ms - one.upstream_ms == middle)


async def _call(
    sandbox: Sandbox, tool: str, arguments: dict[str, Any], roots: tuple[Path, ...], times: int
) -> tuple[list[CallRecord], list[dict[str, Any]]]:
    records, answers = list[CallRecord](), list[dict[str, Any]]()
    settings = config.for_sandbox(sandbox.url, sandbox.key, sandbox.project_id)
    caller = ToolCaller(time_limit=60, environment=Environment(roots, sandbox.url), observe=records.append)
    async with proxy_for(settings) as proxy:
        for _ in range(times):
            reply = await caller.call(proxy, tool, arguments)
            assert not reply.is_error, reply.text
            answers.append(reply.structured)
    return records, answers


def _row(name: str, milliseconds: float, requests: int, goal: str) -> str:
    return f"| {name} | {milliseconds:,.0f} ms | {requests or ''} | {goal} |"


if __name__ == "__main__":
    main()
