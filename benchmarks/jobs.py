"""Calls and tokens of jobs: with the tool of this server for each, with its other tools, and with PostHog's own client.

python -m benchmarks.jobs            print the table
python -m benchmarks.jobs --write    write it into docs/jobs.md too
"""

import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from benchmarks import checkout, official
from benchmarks.tokenizer import count
from mcp_errortracking import config
from mcp_errortracking.compose import proxy_for
from mcp_errortracking.sandbox.process import Sandbox
from mcp_errortracking.server.calls import Reply, ToolCaller
from mcp_errortracking.workflows.base import Environment

PAGE = Path(__file__).parents[1] / "docs" / "jobs.md"
BEGIN, END = "<!-- jobs -->", "<!-- end of jobs -->"
REPORT, BRIEF, DIRECTORY = (f"error-tracking-{name}" for name in ("deploy-report", "issue-brief", "directory-list"))
LIST, ISSUE, EVENTS = (f"query-error-tracking-{name}" for name in ("issues-list", "issue", "issue-events"))
WATCH = "error-tracking-issue-watch"
MATCHING, BULK, UPDATE = (
    f"error-tracking-issues-{name}" for name in ("update-matching", "bulk-create", "partial-update")
)
_WEEKS = {
    "dateRange": {"date_from": "-7d"},
    "compareTo": {"date_from": "-14d", "date_to": "-7d"},
}
_MONTH = {"dateRange": {"date_from": "-30d"}}
_PYTHON = {"library": ["posthog-python"], **_MONTH}
_ALL_ISSUES = (LIST, {"status": "all", "limit": 100, **_MONTH})
_SEVERE = {
    "filterGroup": [{"type": "error_tracking_issue", "key": "severity", "operator": "exact", "value": ["critical"]}],
    **_MONTH,
}
Call = tuple[str, dict[str, Any]]
Calls = Sequence[Call]
Answers = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Job:
    """A question and the calls that answer it.

    Attributes:
        ours: with the tool that is made for it; each may follow from the answers of those before.
        single: with other tools of this server that answer the same; empty if none do.
        theirs: with PostHog's own client; empty if its error-tracking tools cannot answer it on the sandbox.
        event: a write of somebody else, which happens while the first call waits, or else after it.
        in_checkout: the app's checkout is at hand.
    """

    question: str
    ours: Sequence[Callable[[Answers], Call]]
    single: Callable[[Answers], Calls] = lambda _: ()
    theirs: Callable[[Answers], Calls] = lambda _: ()
    event: Call | None = None
    in_checkout: bool = False


def _fixed(tool: str, arguments: Mapping[str, Any]) -> Callable[[Answers], Call]:
    return lambda _: (tool, dict(arguments))


def _lists(answers: Answers) -> list[Call]:
    """Return the calls that list the issues of both ranges of a report."""
    ranges = (answers[0]["window"], answers[0]["baseline"])
    return [(LIST, {"dateRange": time, "status": "all", "orderBy": "users", "limit": 100}) for time in ranges]


def _activity(answers: Answers) -> list[Call]:
    return [("error-tracking-issues-all-activity-retrieve", {"limit": 100}), *_lists(answers)]


def _with_releases(answers: Answers) -> list[Call]:
    return [("error-tracking-releases-list", {"limit": 20}), *_activity(answers)]


def _of_issue(issue: str, *more: str, limit: int = 1) -> list[Call]:
    asked = {"issueId": issue, "include": ["exception", "stacktrace", "environment", "release", "correlation"]}
    return [
        (ISSUE, {"issueId": issue, "includeBreakdown": True, "includeSparkline": True, **_MONTH}),
        (EVENTS, {**asked, "limit": limit, **_MONTH}),
        *((tool, {}) for tool in more),
    ]


def jobs(issue: str, matching: Sequence[str], resolved: str, fingerprint: str) -> list[Job]:
    """Return the jobs: about one issue and a fingerprint of it, about those that match a filter, and a resolved one."""
    people = [(EVENTS, {"issueId": issue, "include": ["correlation"], "limit": 20, **_MONTH})]
    rules = ("error-tracking-assignment-rules-list", "error-tracking-grouping-rules-list")
    resolve = {"setStatus": "resolved", **_PYTHON}
    shown = {"include": ["exception", "stacktrace"], **_MONTH}
    page = f"https://us.posthog.com/error_tracking/fingerprint/{fingerprint}"
    looks = [(ISSUE, {"issueId": resolved, **_MONTH})] * 2

    def brief(*sections: str) -> list[Callable[[Answers], Call]]:
        return [_fixed(BRIEF, {"id": issue, **({"sections": list(sections)} if sections else {})})]

    return [
        Job("What did the last deploy bring?", [_fixed(REPORT, {})], _with_releases, _lists),
        Job("This week against last", [_fixed(REPORT, _WEEKS)], _activity, _lists),
        Job(
            "Which id has this person?",
            [_fixed(DIRECTORY, {"search": "hopper", "kind": "people"})],
            theirs=lambda _: [("org-members-list", {"search": "hopper"})],
        ),
        Job(
            "Which channels can alerts go to?",
            [_fixed(DIRECTORY, {"kind": "integrations"}), _fixed(DIRECTORY, {"integration_id": 4})],
            theirs=lambda _: [("integrations-list", {}), ("integrations-channels-retrieve", {"id": 4})],
        ),
        Job("Which properties and values are there?", [_fixed("error-tracking-properties-list", {})]),
        Job("Which values has one property?", [_fixed("error-tracking-properties-list", {"property": "$browser"})]),
        Job(
            "What is this issue?",
            brief(),
            lambda _: [*_of_issue(issue, *rules, "error-tracking-releases-list", limit=20), _ALL_ISSUES],
            lambda _: [*_of_issue(issue, *rules, limit=20), _ALL_ISSUES],
        ),
        Job("Who is affected?", brief("who"), lambda _: people, lambda _: people),
        Job(
            "What do the affected share?",
            brief("shared"),
            lambda _: [_of_issue(issue)[0], _ALL_ISSUES],
            lambda _: [_of_issue(issue)[0], _ALL_ISSUES],
        ),
        Job(
            "Which issues are likely duplicates?", brief("duplicates"), lambda _: [_ALL_ISSUES], lambda _: [_ALL_ISSUES]
        ),
        Job("Where is a recording of it?", brief("recordings"), lambda _: people, lambda _: people),
        Job("Who should own this?", brief("source"), in_checkout=True),
        Job("Which commit may have caused it?", brief("suspects"), in_checkout=True),
        Job(
            "Watch until it comes back",
            [_fixed(WATCH, {"id": resolved, "until": ["event", "reopened"]})],
            lambda _: looks,
            lambda _: looks,
            event=(UPDATE, {"id": resolved, "status": "active"}),
        ),
        Job(
            "Which issues are critical?",
            [_fixed(LIST, _SEVERE)],
            theirs=lambda _: [(LIST, _SEVERE)],
        ),
        Job(
            "Set the severity of an issue",
            [_fixed(UPDATE, {"id": issue, "severity": "high"})],
            theirs=lambda _: [(UPDATE, {"id": issue, "severity": "high"})],
        ),
        Job(
            "What is the error of this address?",
            [_fixed(EVENTS, {"issueId": page, **shown})],
            theirs=lambda _: [
                (LIST, {"fingerprint": [fingerprint], "status": "all", **_MONTH}),
                (EVENTS, {"issueId": issue, **shown}),
            ],
        ),
        Job(
            "Resolve all that match",
            [
                _fixed(MATCHING, resolve),
                lambda answers: (MATCHING, {**resolve, "apply": answers[-1]["apply"]}),
            ],
            lambda _: [
                (LIST, {**_PYTHON, "limit": 100}),
                (BULK, {"action": "set_status", "ids": list(matching), "status": "resolved"}),
            ],
            lambda _: [
                (LIST, {**_PYTHON, "limit": 100}),
                *((UPDATE, {"id": one, "status": "resolved"}) for one in matching),
            ],
        ),
    ]


async def _ask(
    sandbox: Sandbox,
    calls: Sequence[Callable[[Answers], Call]],
    event: Call | None = None,
    roots: tuple[Path, ...] = (),
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the text and the data of each call.

    Raises:
        AssertionError: a call failed.
    """
    settings = config.for_sandbox(sandbox.url, sandbox.key, sandbox.project_id)
    texts, answers = list[str](), list[dict[str, Any]]()
    async with proxy_for(settings) as proxy:
        caller = ToolCaller(time_limit=60, environment=Environment(roots, sandbox.url))
        happen = _once(lambda: caller.call(proxy, *event)) if event else None

        async def progress(_done: float, _total: float | None, _text: str) -> None:
            if happen:
                await happen()

        for make in calls:
            reply = await caller.call(proxy, *make(answers), progress=progress)
            if reply.is_error:
                raise AssertionError(reply.text)
            texts.append(reply.text)
            answers.append(reply.structured)
            if happen:
                await happen()
    return texts, answers


def _once(call: Callable[[], Awaitable[Reply]]) -> Callable[[], Awaitable[None]]:
    """Return a function that makes a call only the first time."""
    left = [call]

    async def make() -> None:
        if left and (reply := await left.pop()()).is_error:
            raise AssertionError(reply.text)

    return make


def _ask_theirs(sandbox: Sandbox, calls: Calls, event: Call | None) -> list[str]:
    """Return the text of each call with PostHog's own client."""
    texts = list[str]()
    for call in calls:
        texts.append(official.call(sandbox, *call))
        if event and len(texts) == 1:
            official.call(sandbox, *event)
    return texts


def _cells(texts: Sequence[str]) -> tuple[str, str]:
    """Return the number of calls and of their tokens."""
    return (str(len(texts)), f"{sum(count(list(texts))):,}") if texts else ("-", "-")


def _row(job: Job, folder: Path, seed: Path) -> str:
    """Return the row of a job. Each way has a sandbox of its own, as a job may change it.

    Args:
        seed: of a sandbox whose releases name commits of the checkout in `folder`.
    """
    roots, options = ((folder,), ("--seed", str(seed))) if job.in_checkout else ((), ())
    with Sandbox(options) as sandbox:
        texts, answers = anyio.run(_ask, sandbox, job.ours, job.event, roots)
    single = list[str]()
    if calls := job.single(answers):
        with Sandbox() as sandbox:
            single, _ = anyio.run(_ask, sandbox, [_fixed(*call) for call in calls], job.event)
    theirs = list[str]()
    if calls := job.theirs(answers):
        with Sandbox() as sandbox:
            theirs = _ask_theirs(sandbox, calls, job.event)
    return f"| {' | '.join([job.question, *_cells(texts), *_cells(single), *_cells(theirs)])} |"


def table() -> str:
    """Return the table."""
    head = (
        "| question | calls | tokens | single calls | tokens | PostHog's own client, calls | tokens |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    )
    top = {"orderBy": "occurrences", "limit": 1}
    asked = [_fixed(LIST, top), _fixed(LIST, {**_PYTHON, "limit": 100}), _fixed(LIST, {**top, "status": "resolved"})]
    asked.append(lambda answers: ("error-tracking-fingerprints-list", {"issue_id": answers[0]["results"][0]["id"]}))
    with Sandbox() as sandbox:
        _, answers = anyio.run(_ask, sandbox, asked)
    first, matching, resolved, fingerprints = (answer["results"] for answer in answers)
    listed = jobs(first[0]["id"], [one["id"] for one in matching], resolved[0]["id"], fingerprints[0]["fingerprint"])
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "acme-web")
        seed = checkout.make(app)
        return "\n".join([*head, *(_row(job, app, seed) for job in listed)])


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
