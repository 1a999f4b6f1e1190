"""Every write against the sandbox, then its inverse: PostHog holds again what it held before."""

from collections.abc import AsyncGenerator, Generator
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog import CATALOG, Endpoint, Outcome, Request
from mcp_errortracking.catalog.endpoint import as_object
from mcp_errortracking.proxy import Proxy
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases import case as known

_T = TypeVar("_T")
pytestmark = pytest.mark.anyio

# The object that a call changes, and the values of it that the inverse brings back.
_RULE = ("filters", "order_key", "assignee", "sampling_rate", "severity", "description")
_ISSUE = ("status", "severity", "name", "description", "assignee")
_FILTERS = known.filters("RangeError")
_SETTINGS = (
    "project_rate_limit_value",
    "project_rate_limit_bucket_size_minutes",
    "per_issue_rate_limit_value",
    "per_issue_rate_limit_bucket_size_minutes",
)
CHANGES: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("issues-partial-update", {"id": known.TYPE_ERROR, "status": "resolved"}, "issues/{id}/", _ISSUE),
    ("issues-partial-update", {"id": known.TYPE_ERROR, "severity": None, "name": "x"}, "issues/{id}/", _ISSUE),
    ("issues-assign-partial-update", {"id": known.TYPE_ERROR, "assignee": known.USER}, "issues/{id}/", _ISSUE),
    ("issues-assign-partial-update", {"id": known.KEY_ERROR, "assignee": None}, "issues/{id}/", _ISSUE),
    (
        "assignment-rules-partial-update",
        {"id": known.ASSIGNMENT[0], "assignee": known.ON_CALL},
        "assignment_rules/{id}/",
        _RULE,
    ),
    ("grouping-rules-update", {"id": known.GROUPING[0], "filters": _FILTERS}, "grouping_rules/{id}/", _RULE),
    (
        "suppression-rules-update",
        {"id": known.SUPPRESSION[0], "filters": _FILTERS, "sampling_rate": 1},
        "suppression_rules/{id}/",
        _RULE,
    ),
    ("bypass-rules-update", {"id": known.BYPASS[0], "filters": _FILTERS}, "bypass_rules/{id}/", _RULE),
    ("severity-rules-update", {"id": known.SEVERITY[0], "severity": "low"}, "severity_rules/{id}/", _RULE),
    (
        "releases-partial-update",
        {"id": known.RELEASE, "version": "9", "metadata": {"git": {}}},
        "releases/{id}/",
        ("version", "project", "hash_id"),
    ),
    ("settings-update", {"project_rate_limit_value": 7}, "settings/retrieve_settings/", _SETTINGS),
    (
        "spike-detection-config-update",
        {"threshold": 77, "multiplier": 9},
        "spike_detection_config/",
        ("threshold", "multiplier", "snooze_duration_minutes"),
    ),
    (
        "alerts-partial-update",
        {"id": known.ALERT, "enabled": False, "name": "x"},
        "/hog_functions/{id}/",
        ("enabled", "name"),
    ),
]
CREATED = {
    **{
        f"{kind}-rules-create": {"filters": _FILTERS, **own}
        for kind, own in (
            ("assignment", {"assignee": known.USER}),
            ("grouping", {}),
            ("suppression", {}),
            ("bypass", {}),
            ("severity", {"severity": "low"}),
        )
    },
    "releases-create": {"version": "3", "project": "shop"},
    "alerts-create": {
        "name": "x",
        "template_id": "template-slack",
        "filters": {"events": [{"id": "$error_tracking_issue_created", "type": "events"}]},
    },
}
WITHOUT = {
    "error-tracking-symbol-sets-destroy": "the file is gone",
    "error-tracking-symbol-sets-bulk-delete": "the files are gone",
    "error-tracking-symbol-sets-bulk-finish-upload": "nothing to take back",
    "error-tracking-symbol-sets-finish-upload-update": "nothing to take back",
    "error-tracking-symbol-sets-bulk-check-upload": "nothing to take back",
    "error-tracking-external-references-create": "PostHog deletes no external reference",
    "error-tracking-external-references-link": "PostHog deletes no external reference",
    "error-tracking-recommendations-refresh-create": "nothing to take back",
    "error-tracking-alerts-delete": "nothing shows that PostHog restores a deleted alert",
}
"""Writes without an inverse, and the reason."""


class Project:
    """The sandbox, and calls to it through the proxy."""

    def __init__(self, sandbox: SandboxProcess, proxy: Proxy) -> None:
        self.sandbox, self.proxy = sandbox, proxy

    async def send(self, request: Request) -> Any:
        """Send one request and return the JSON of its answer."""
        answer = await self.proxy.send(request.method, request.path, query=request.query, json=request.json)
        return answer.data

    async def get(self, path: str) -> dict[str, Any]:
        """Return an object by its path, relative to error tracking unless it begins with a slash."""
        whole = path[1:] if path.startswith("/") else f"error_tracking/{path}"
        return as_object(await self.send(Request("GET", whole)))

    async def run(self, call: Endpoint) -> Outcome:
        """Make a call, all its steps."""
        return await self._drive(call.steps())

    async def snapshot(self, call: Endpoint) -> dict[str, Any]:
        """Read what a call is about to change."""
        return await self._drive(call.snapshot())

    async def _drive(self, steps: Generator[Request, Any, _T]) -> _T:
        try:
            request = next(steps)
            while True:
                request = steps.send(await self.send(request))
        except StopIteration as stop:
            return stop.value


@pytest.fixture(scope="module")
def shared_sandbox() -> Generator[SandboxProcess]:
    """Yield one process for all tests of the module."""
    with SandboxProcess(known.SEED) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    """Return the sandbox as its seed describes it."""
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
async def project(sandbox: SandboxProcess) -> AsyncGenerator[Project]:
    """Yield a project as `tests.server.cases` describes it."""
    proxy = Proxy(host=sandbox.url, key=SecretStr(FULL), project="1")
    yield Project(sandbox, proxy)
    await proxy.aclose()


def call_of(tool: str, arguments: dict[str, Any]) -> Endpoint:
    """Return a validated call of a tool, named without its prefix."""
    return CATALOG[f"error-tracking-{tool}"].model_validate(arguments)


@pytest.mark.parametrize(("tool", "arguments", "path", "names"), CHANGES)
async def test_the_inverse_of_a_change_brings_back_what_was(
    project: Project, tool: str, arguments: dict[str, Any], path: str, names: tuple[str, ...]
) -> None:
    where = path.format(**arguments) if "id" in arguments else path
    before = await project.get(where)
    call = call_of(tool, arguments)

    assert await project.snapshot(call) == before
    assert not call.undo_loss
    outcome = await project.run(call)
    changed = await project.get(where)
    inverse = call.inverse(before, outcome.data)
    assert inverse is not None
    await project.run(inverse)
    after = await project.get(where)

    assert [changed.get(name) for name in names] != [before.get(name) for name in names]
    assert [after.get(name) for name in names] == [before.get(name) for name in names]


@pytest.mark.parametrize("tool", CREATED)
async def test_the_inverse_of_a_creation_deletes_what_it_made(project: Project, tool: str) -> None:
    kind = tool.removesuffix("-create").replace("-", "_")
    listed = "/hog_functions/" if kind == "alerts" else f"{kind}/"
    before = (await project.get(listed))["results"]
    call = call_of(tool, CREATED[tool])

    assert await project.snapshot(call) == {}
    outcome = await project.run(call)
    made = (await project.get(listed))["results"]
    inverse = call.inverse({}, outcome.data)
    assert inverse is not None
    await project.run(inverse)

    assert len(made) == len(before) + 1
    assert (await project.get(listed))["results"] == before


@pytest.mark.parametrize("kind", ["assignment", "grouping", "suppression", "bypass", "severity"])
async def test_the_inverse_of_a_deletion_creates_an_equal_rule(project: Project, kind: str) -> None:
    listed = (await project.get(f"{kind}_rules/"))["results"][0]
    call = call_of(f"{kind}-rules-destroy", {"id": listed["id"]})

    rule = await project.snapshot(call)
    assert rule["id"] == listed["id"]
    assert "another id" in call.undo_loss
    outcome = await project.run(call)
    inverse = call.inverse(rule, outcome.data)
    assert inverse is not None
    made = (await project.run(inverse)).data

    assert made["id"] != rule["id"]
    own = ("filters", "assignee", "sampling_rate", "severity", "description")
    assert [made.get(name) for name in own] == [rule.get(name) for name in own]


@pytest.mark.parametrize("kind", ["assignment", "grouping", "suppression", "bypass", "severity"])
async def test_the_inverse_of_a_reorder_is_the_old_order(project: Project, kind: str) -> None:
    before = await project.get(f"{kind}_rules/")
    first, second = (rule["id"] for rule in before["results"])
    call = call_of(f"{kind}-rules-reorder", {"orders": {first: 9, second: 3}})

    snapshot = await project.snapshot(call)
    outcome = await project.run(call)
    inverse = call.inverse(snapshot, outcome.data)
    assert inverse is not None
    restored = (await project.run(inverse)).data

    assert [row["order_key"] for row in outcome.data["order"]] == [3, 9]
    assert restored["order"] == [{"id": first, "order_key": 0}, {"id": second, "order_key": 1}]


async def test_the_inverse_of_a_deleted_release_creates_it_with_its_hash(project: Project) -> None:
    call = call_of("releases-destroy", {"id": known.OLD_RELEASE})

    release = await project.snapshot(call)
    assert "symbol sets" in call.undo_loss
    outcome = await project.run(call)
    inverse = call.inverse(release, outcome.data)
    assert inverse is not None
    made = (await project.run(inverse)).data

    assert [made[name] for name in ("version", "project", "hash_id")] == [
        release[name] for name in ("version", "project", "hash_id")
    ]


@pytest.mark.parametrize(("tool", "undo"), [("dismiss", "restore"), ("restore", "dismiss")])
def test_dismiss_and_restore_take_each_other_back(tool: str, undo: str) -> None:
    call = call_of(f"recommendations-{tool}-create", {"id": known.RECOMMENDATION})

    inverse = call.inverse({}, {})

    assert inverse is not None
    assert inverse.tool == f"error-tracking-recommendations-{undo}-create"
    assert inverse.request().path == f"error_tracking/recommendations/{known.RECOMMENDATION}/{undo}/"


def test_a_bulk_change_of_issues_that_were_alike_is_taken_back_at_once() -> None:
    ids = [known.TYPE_ERROR, known.KEY_ERROR]
    call = call_of("issues-bulk-create", {"action": "set_status", "ids": ids, "status": "resolved"})
    before = {"results": [{"id": issue, "status": "active"} for issue in ids]}

    inverse = call.inverse(before, {})

    assert inverse is not None
    assert inverse.request().json == {"action": "set_status", "ids": ids, "status": "active"}


@pytest.mark.parametrize(
    "results",
    [
        [{"id": known.TYPE_ERROR, "status": "active"}, {"id": known.KEY_ERROR, "status": "suppressed"}],
        [{"id": known.TYPE_ERROR, "status": "active"}],
        [{"id": issue, "status": "archived"} for issue in (known.TYPE_ERROR, known.KEY_ERROR)],
    ],
    ids=["two old values", "one issue unread", "a status that cannot be written"],
)
def test_a_bulk_change_that_one_call_cannot_take_back_has_no_inverse(results: list[dict[str, Any]]) -> None:
    ids = [known.TYPE_ERROR, known.KEY_ERROR]
    call = call_of("issues-bulk-create", {"action": "set_status", "ids": ids, "status": "resolved"})

    assert call.inverse({"results": results}, {}) is None


async def test_a_bulk_change_is_taken_back_with_what_was_read_before_it(project: Project) -> None:
    ids = [known.TYPE_ERROR, known.KEY_ERROR]
    call = call_of("issues-bulk-create", {"action": "set_status", "ids": ids, "status": "resolved"})
    before = await project.snapshot(call)

    outcome = await project.run(call)
    inverse = call.inverse(before, outcome.data)
    assert inverse is not None
    await project.run(inverse)

    assert [issue["id"] for issue in before["results"]] == ids
    assert [issue["status"] for issue in before["results"]] == ["active", "active"]
    assert [(await project.get(f"issues/{issue}/"))["status"] for issue in ids] == [
        issue["status"] for issue in before["results"]
    ]


def test_a_bulk_change_of_many_issues_reads_none_of_them() -> None:
    ids = [str(uuid4()) for _ in range(21)]
    call = call_of("issues-bulk-create", {"action": "set_status", "ids": ids, "status": "resolved"})

    assert list(call.snapshot()) == []


@pytest.mark.parametrize("issue", [known.TYPE_ERROR])
@pytest.mark.parametrize(
    ("tool", "arguments"), [("assign-partial-update", {"assignee": None}), ("cohort-update", {"cohortId": 3})]
)
def test_a_write_below_an_issue_reads_the_issue(issue: str, tool: str, arguments: dict[str, Any]) -> None:
    call = call_of(f"issues-{tool}", {"id": issue, **arguments})

    assert list(call.snapshot()) == [Request("GET", f"error_tracking/issues/{issue}/")]


def test_a_read_has_no_snapshot() -> None:
    assert list(call_of("releases-retrieve", {"id": known.RELEASE}).snapshot()) == []


def test_a_split_is_taken_back_by_a_merge() -> None:
    call = call_of("issues-split-create", {"id": known.TYPE_ERROR, "fingerprints": [{"fingerprint": "print-2"}]})

    assert list(call.snapshot()) == []
    assert "Comments" in call.undo_loss
    inverse = call.inverse({}, {"new_issue_ids": [known.KEY_ERROR]})

    assert inverse is not None
    assert inverse.request().path == f"error_tracking/issues/{known.TYPE_ERROR}/merge/"
    assert inverse.request().json == {"ids": [known.KEY_ERROR]}


def test_a_cohort_has_an_inverse_only_if_there_was_one() -> None:
    call = call_of("issues-cohort-update", {"id": known.TYPE_ERROR, "cohortId": 3})

    inverse = call.inverse({"cohort": {"id": 5, "name": "Old"}}, {})

    assert inverse is not None
    assert inverse.request().json == {"cohortId": 5}
    assert call.inverse({"cohort": None}, {}) is None


async def test_the_inverse_of_a_merge_splits_the_fingerprints_off_again(project: Project) -> None:
    call = call_of("issues-merge-create", {"id": known.TYPE_ERROR, "ids": [known.KEY_ERROR]})

    def fingerprints_of(issue: str) -> list[str]:
        rows = project.sandbox.api("GET", f"fingerprints/?issue_id={issue}").json()["results"]
        return [row["fingerprint"] for row in rows]

    fingerprints = fingerprints_of(known.KEY_ERROR)
    issue = await project.get(f"issues/{known.KEY_ERROR}/")

    before = await project.snapshot(call)
    outcome = await project.run(call)
    inverse = call.inverse(before, outcome.data)
    assert inverse is not None
    split = await project.run(inverse)

    assert "other ids" in call.undo_loss
    assert len(split.data["new_issue_ids"]) == len(fingerprints) > 0
    for made, fingerprint in zip(split.data["new_issue_ids"], fingerprints, strict=True):
        assert fingerprints_of(made) == [fingerprint]
        made_issue = await project.get(f"issues/{made}/")
        assert (made_issue["name"], made_issue["description"]) == (issue["name"], issue["description"])


async def test_a_merge_of_many_issues_or_fingerprints_has_no_inverse(project: Project) -> None:
    many = call_of("issues-merge-create", {"id": known.TYPE_ERROR, "ids": [str(uuid4()) for _ in range(11)]})
    one = call_of("issues-merge-create", {"id": known.TYPE_ERROR, "ids": [known.KEY_ERROR]})
    steps = one.snapshot()
    next(steps)
    with pytest.raises(StopIteration) as stop:
        steps.send({"results": [], "next": "https://x/?offset=100"})

    assert many.inverse(await project.snapshot(many), {}) is None
    assert one.inverse(stop.value.value, {}) is None
    foreign = one.snapshot()
    next(foreign)
    foreign.send({"results": [{"fingerprint": "f", "issue_id": known.TYPE_ERROR}], "next": None})
    with pytest.raises(StopIteration) as stop:
        foreign.send({"id": known.KEY_ERROR})
    assert one.inverse(stop.value.value, {}) is None


def test_started_uploads_have_an_inverse_only_if_every_set_is_new() -> None:
    call = call_of("symbol-sets-bulk-start-upload", {"chunk_ids": ["a", "b"]})
    started = {"id_map": {"a": {"symbol_set_id": known.CHUNK}}}

    inverse = call.inverse({"results": [{"ref": "b"}]}, started)

    assert inverse is not None
    assert inverse.request().json == {"ids": [known.CHUNK]}
    assert call.inverse({"results": [{"ref": "a"}]}, started) is None
    assert call.inverse({}, started) is None
    assert call.inverse({"results": []}, {"id_map": {}}) is None
    many = call_of("symbol-sets-bulk-start-upload", {"chunk_ids": [str(number) for number in range(21)]})
    assert list(many.snapshot()) == []


def test_a_secret_that_posthog_does_not_show_has_no_inverse() -> None:
    call = call_of("alerts-partial-update", {"id": known.ALERT, "inputs": {"url": {"value": "https://new.example"}}})

    assert call.inverse({"inputs": {"url": {"secret": True}}}, {}) is None
    assert call.inverse({"inputs": {"url": {"value": "https://old.example"}}}, {}) is not None


def test_every_write_has_an_inverse_or_a_reason() -> None:
    writes = {tool: endpoint for tool, endpoint in CATALOG.items() if not endpoint.read_only}
    without = {tool for tool, endpoint in writes.items() if endpoint.inverse is Endpoint.inverse}

    assert without == set(WITHOUT)
