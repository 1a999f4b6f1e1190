"""Deploy reports on sandboxes, against the state that they were seeded with."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import ServerFailureError
from mcp_errortracking.proxy.sender import JsonAnswer
from mcp_errortracking.server.token_estimate import upper_bound
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.sandbox_process import SandboxProcess
from tests.workflows.deploys.checkouts import history
from tests.workflows.deploys.shop import BEFORE, KEY, LONG_AGO, NOW, TOOL, Project, report

pytestmark = pytest.mark.anyio
KINDS = ("new", "reopened", "rose", "fell", "gone")


class WithoutLog:
    """A sender to a PostHog that takes the path of the activity log for that of an issue, and fails."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def send(self, method: str, path: str, **options: Any) -> JsonAnswer:
        if path.endswith("issues/activity/"):
            raise ServerFailureError("PostHog failed.", status=500)
        return await self._proxy.send(method, path, **options)


def ids(data: dict[str, Any]) -> dict[str, list[str]]:
    return {kind: [one["id"] for one in data[kind]] for kind in KINDS if data[kind]}


def sent(sandbox: SandboxProcess) -> list[str]:
    return [request["path"].rpartition("/error_tracking/")[2] for request in sandbox.journal()]


async def test_each_change_is_found_with_its_counts() -> None:
    project = Project()
    new = project.issue("New", 6, first_seen=NOW, each=2)
    back = project.issue("Back", 1)
    rose = project.issue("Rose", 40, 10, each=3)
    maybe = project.issue("Maybe", 14, 4)
    fell = project.issue("Fell", 2, 25)
    gone = project.issue("Gone", 0, 15)
    project.issue("Same", 20, 20)
    project.issue("Hardly", 3, 5)
    project.issue("Long gone", 0, 0)
    project.changed(1, "resolved", "active")
    project.changed(6, "active", "resolved")
    project.changed(7, "resolved", "active", at=BEFORE)
    with SandboxProcess(project.seed) as sandbox:
        reply = await report(sandbox)
        requests = sent(sandbox)

    data = reply.structured
    assert not reply.is_error
    assert ids(data) == {"new": [new], "reopened": [back], "rose": [rose, maybe], "fell": [fell], "gone": [gone]}
    assert data["rose"][0] == {
        "change": "rose",
        "id": rose,
        "name": "Rose",
        "users": 40,
        "users_before": 10,
        "occurrences": 120,
        "occurrences_before": 30,
        "times": 4.0,
        "certainty": "sure",
    }
    assert (data["rose"][1]["certainty"], data["fell"][0]["times"]) == ("maybe", 0.08)
    assert (data["new"][0]["times"], data["gone"][0]["users"], data["too_few_to_say"]) == (None, 0, 2)
    window, before = data["totals"]
    assert (window["users"], window["occurrences"], window["issues"]) == (86, 12 + 1 + 120 + 14 + 2 + 20 + 3, 7)
    assert (before["users"], before["occurrences"], before["issues"]) == (79, 30 + 4 + 25 + 15 + 20 + 5, 6)
    assert window["users_per_hour"] == pytest.approx(86 / 6, abs=0.02)
    assert window["occurrences_per_user"] == 2.0
    assert data["verdict"] == "regression"
    assert data["reasons"] == [
        "1 new issue with 5 or more affected users.",
        "1 issue reopened.",
        "1 issue surely rose to 1.5 times or more.",
    ]
    assert sorted(requests) == ["issues/activity/", "query/issues/", "query/issues/", "releases/"]
    assert "Counted by time: errors of older versions that are still in use count too." in reply.text
    assert "1.4.2, of web, commit bbbbbbbbbb, branch release/4" in reply.text
    assert "6 h" in reply.text


async def test_an_old_issue_that_comes_back_without_users_before_is_a_rise() -> None:
    project = Project()
    old = project.issue("Old", 30)
    project.issue("Same", 30, 30)
    with SandboxProcess(project.seed) as sandbox:
        data = (await report(sandbox)).structured

    assert ids(data) == {"rose": [old]}
    assert (data["rose"][0]["times"], data["rose"][0]["certainty"]) == (None, "sure")
    assert data["verdict"] == "regression"


@pytest.mark.parametrize(
    ("issues", "verdict", "reason"),
    [
        ([], "too little data", "No exception came in either range."),
        ([("A", 1, 2, LONG_AGO)], "too little data", "Only 2 affected users before"),
        ([("A", 4, 0, NOW)], "too little data", "Only 0 affected users before"),
        ([("A", 5, 0, NOW)], "regression", "1 new issue with 5 or more affected users."),
        ([("A", 30, 30, LONG_AGO), ("B", 4, 0, NOW)], "no regression found", "No new issue with 5 affected users"),
        ([("A", 200, 300, LONG_AGO)], "no regression found", "No new issue"),
        ([(f"I{number}", 6, 3, LONG_AGO) for number in range(30)], "regression", "surely rose to 2.00 times."),
    ],
)
async def test_the_verdict_and_its_reason(issues: list[tuple[str, int, int, str]], verdict: str, reason: str) -> None:
    project = Project()
    for name, users, users_before, first_seen in issues:
        project.issue(name, users, users_before, first_seen=first_seen)
    with SandboxProcess(project.seed) as sandbox:
        reply = await report(sandbox)

    assert reply.structured["verdict"] == verdict
    assert len(reply.structured["reasons"]) == 1
    assert reason in reply.structured["reasons"][0]
    assert reply.text.startswith(f"verdict: {verdict}: ")


async def test_a_release_is_found_by_each_of_its_names() -> None:
    project = Project()
    release = project.seed["releases"][0]
    release["id"] = "01936f2e-7a51-7000-8000-00000000aaaa"
    release["metadata"]["git"]["branch"] = "main"
    project.seed["releases"].insert(0, {**release, "id": "01936f2e-7a51-7000-8000-00000000bbbb", "created_at": "-9d"})
    with SandboxProcess(project.seed) as sandbox:
        for name in ("1.4.1", "a" * 40, "aaaaaaa", "AAAAAAAA", "v1.4.1", "main", release["id"]):
            reply = await report(sandbox, release=name)

            data = reply.structured
            assert data["release"]["id"] == release["id"], name
            assert data["window"]["date_from"] == data["release"]["created_at"]
            assert 'The window holds later releases of this product too: "1.4.2".' in reply.text
            assert ("1 older release fits this name too" in reply.text) == (name != release["id"])
        assert (await report(sandbox, release="cafe")).structured["release"]["version"] == "1.4.2"


async def test_an_unknown_release_names_the_nearest_and_asks_for_nothing_else() -> None:
    near = {"1.4.3": 'The nearest names are "1.4.2", "1.4.1".', "release": 'The nearest name is "release/4".'}
    with SandboxProcess(Project().seed) as sandbox:
        for name in ("1.4.3", "aaaaaa", "0123456789", "release"):
            sandbox.empty_journal()
            reply = await report(sandbox, release=name)

            assert sent(sandbox) == ["releases/"]
            assert reply.structured["error"]["code"] == "unknown_release"
            assert f'has the version, hash_id, commit or branch "{name}".' in reply.text
            assert near.get(name, 'The newest names are "1.4.2"') in reply.text


async def test_a_project_without_releases_can_compare_times() -> None:
    project = Project()
    project.seed["releases"] = []
    grew = project.issue("Grew", 40, 10)
    with SandboxProcess(project.seed) as sandbox:
        assert (await report(sandbox)).structured["error"]["code"] == "no_release"
        sandbox.empty_journal()
        reply = await report(
            sandbox,
            dateRange={"date_from": "-12h"},
            compareTo={"date_from": "-2d", "date_to": "-24h"},
        )
        requests = sandbox.journal()

    assert ids(reply.structured) == {"rose": [grew]}
    assert reply.structured["rose"][0]["times"] == 8.0
    assert reply.structured["release"] is None
    assert len(requests) == 3
    assert "releases/" not in {request["path"].rpartition("error_tracking/")[2] for request in requests}


async def test_arguments_that_cannot_be_compared_are_refused_before_a_request() -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"release": "1.4.2", "dateRange": {"date_from": "-1d"}}, "give release or dateRange, not both"),
        ({"dateRange": {"date_from": "-7d", "date_to": "-14d"}}, "dateRange does not end after its beginning."),
        ({"dateRange": {"date_from": "-7d"}, "compareTo": {"date_from": "-8d"}}, "dateRange and compareTo overlap."),
        ({"date_from": "-7d"}, "give dateRange, an object with date_from and date_to"),
        ({"baseline": {"date_from": "-7d"}}, "compareTo"),
    ]
    with SandboxProcess(Project().seed) as sandbox:
        for arguments, says in refused:
            reply = await report(sandbox, **arguments)

            assert reply.is_error
            assert says in reply.text
        assert sent(sandbox) == []


async def test_a_release_ahead_of_the_clock_is_refused() -> None:
    project = Project()
    project.seed["releases"][1]["created_at"] = "2999-01-01T00:00:00Z"
    with SandboxProcess(project.seed) as sandbox:
        reply = await report(sandbox)

    assert reply.structured["error"]["code"] == "not_yet"


async def test_a_key_without_the_activity_log_gets_the_rest() -> None:
    project = Project()
    new = project.issue("New", 6, first_seen=NOW)
    project.issue("Back", 1)
    project.changed(1, "resolved", "active")
    project.seed["keys"].append({"value": "phx_narrow", "scopes": ["error_tracking:read"]})
    with SandboxProcess(project.seed) as sandbox:
        reply = await report(sandbox, key="phx_narrow")

    assert ids(reply.structured) == {"new": [new]}
    assert "Reopened issues are not known: the key lacks the scope activity_log:read." in reply.text


async def test_a_server_without_an_activity_log_gives_the_rest_and_the_verdict_says_so() -> None:
    project = Project()
    project.issue("Same", 30, 30)
    with SandboxProcess(project.seed) as sandbox:
        async with Proxy(host=sandbox.url, key=SecretStr(KEY), project="1") as proxy:
            reply = await call_tool(
                WithoutLog(proxy), TOOL, {}, time_limit=30, environment=Environment((), sandbox.url)
            )

    assert "Reopened issues are not known: PostHog refuses its activity log, which older ones lack." in reply.text
    assert reply.structured["reasons"] == [
        "No new issue with 5 affected users, reopened ones not known, no sure rise to 1.5 times."
    ]


async def test_a_server_without_these_queries_is_named() -> None:
    with SandboxProcess({**Project().seed, "server": {"age": "2025"}}) as sandbox:
        reply = await report(sandbox)

    assert reply.is_error
    assert "spring 2026" in reply.text


async def test_hundreds_of_issues_cost_no_more_tokens_and_at_most_twelve_requests(tmp_path: Path) -> None:
    project = Project()
    ids_of = history(tmp_path, 15, subject="Read the settings of the tenant before its first request is authorized")
    for release, commit in zip(project.seed["releases"], (ids_of[0], ids_of[-1]), strict=True):
        release["metadata"]["git"]["commit_id"] = commit
    for number in range(120):
        words = f"TypeError {number}: Cannot read properties of undefined (reading 'longPropertyName')"
        project.issue(words, 5, 0, first_seen=NOW, description="東京都の設定を読み取れません" * 20)
        project.issue(words, 12, 1, description="x" * 500)
        project.issue(words, 0, 11)
        project.issue(words, 1, 12)
    for number in range(40):
        project.issue("Few", 1, 1)
        project.changed(number * 2 + 1, "resolved", "active")
    with SandboxProcess(project.seed) as sandbox:
        reply = await report(sandbox, roots=(tmp_path,))
        requests = sent(sandbox)

    data = reply.structured
    assert len(data["commits"]) == 10
    assert "and 10 older ones" in reply.text
    assert "468 more changed issues are left out of the table." in reply.text
    assert [len(data[kind]) for kind in KINDS] == [120, 40, 100, 100, 120]
    assert upper_bound(reply.text) <= 1200
    assert len(requests) <= 12


async def test_more_issues_than_are_read_are_said_and_none_of_them_counts_as_gone_or_risen() -> None:
    project = Project()
    unlisted = project.issue("Unlisted", 13, 1)
    fresh = project.issue("Fresh", 14, first_seen=NOW)
    for number in range(501):
        project.issue(f"Many {number}", 12, 2)
    hidden = project.issue("Hidden", 1, 20)
    known = project.issue("Known", 60, 20)
    with SandboxProcess(project.seed) as sandbox:
        reply = await report(sandbox)
        requests = sent(sandbox)

    data = reply.structured
    assert len(requests) == 12
    assert data["complete"] is False
    assert hidden not in str(data["gone"])
    assert known in str(data["rose"])
    assert not any("together" in reason for reason in data["reasons"])
    (new,) = data["new"]
    assert (new["id"], new["users_before"], new["times"]) == (fresh, 0, None)
    assert [(one["users_before"], one["times"]) for one in data["rose"] if one["id"] == unlisted] == [(None, 6.5)]
    assert "Only the 500 issues with most users in the window were read" in reply.text
