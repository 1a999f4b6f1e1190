"""Calls and tokens of jobs that one tool does, next to the single calls that gather the same data.

python -m benchmarks.jobs            print the table
python -m benchmarks.jobs --write    write it into docs/jobs.md too
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from benchmarks import official
from benchmarks.tokenizer import count
from mcp_errortracking import config
from mcp_errortracking.compose import proxy_for
from mcp_errortracking.sandbox.process import Sandbox
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.workflows.base import Environment

PAGE = Path(__file__).parents[1] / "docs" / "jobs.md"
BEGIN, END = "<!-- jobs -->", "<!-- end of jobs -->"
REPORT = "error-tracking-deploy-report"
_WEEKS = {
    "dateRange": {"date_from": "-7d"},
    "compareTo": {"date_from": "-14d", "date_to": "-7d"},
}
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Job:
    """A question, and the arguments of the report that answers it.

    `lookups`: the calls that find out what the question is about, before the lists of issues.
    """

    question: str
    arguments: Mapping[str, Any]
    lookups: Sequence[Call]


JOBS = (
    Job(
        "What did the last deploy bring?",
        {},
        (
            ("error-tracking-releases-list", {"limit": 20}),
            ("error-tracking-issues-all-activity-retrieve", {"limit": 100}),
        ),
    ),
    Job("This week against last", _WEEKS, (("error-tracking-issues-all-activity-retrieve", {"limit": 100}),)),
)


async def _ask(sandbox: Sandbox, calls: Sequence[Call]) -> list[tuple[str, dict[str, Any]]]:
    """Return the text and the data of each call."""
    settings = config.for_sandbox(sandbox.url, sandbox.key, sandbox.project_id)
    async with proxy_for(settings) as proxy:
        caller = ToolCaller(time_limit=60, environment=Environment((), sandbox.url))
        replies = [await caller.call(proxy, tool, arguments) for tool, arguments in calls]
    return [(reply.text, reply.structured) for reply in replies]


def _lists(report: Mapping[str, Any]) -> list[Call]:
    """Return the calls that list the issues of both ranges of a report."""
    ranges = (report["window"], report["baseline"])
    return [
        ("query-error-tracking-issues-list", {"dateRange": time, "status": "all", "orderBy": "users", "limit": 100})
        for time in ranges
    ]


def _row(sandbox: Sandbox, job: Job) -> str:
    ((text, report),) = anyio.run(_ask, sandbox, [(REPORT, dict(job.arguments))])
    lists = _lists(report)
    single = [text for text, _ in anyio.run(_ask, sandbox, [*job.lookups, *lists])]
    theirs = [official.call(sandbox, tool, arguments) for tool, arguments in lists]
    one, ours, others = (sum(count(texts)) for texts in ([text], single, theirs))
    return f"| {job.question} | 1 | {one:,} | {len(single)} | {ours:,} | {len(theirs)} | {others:,} |"


def table() -> str:
    """Return the table."""
    head = (
        "| question | calls | tokens | single calls | tokens | PostHog's own client, calls | tokens |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    )
    sandbox = Sandbox()
    try:
        return "\n".join([*head, *(_row(sandbox, job) for job in JOBS)])
    finally:
        sandbox.stop()


def main() -> None:
    """Print the table, and write it if asked to."""
    made = table()
    print(made)
    if "--write" in sys.argv:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
