"""The states of subscribed issues, of which many are outside the list: what changed, and the requests of each look."""

import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.server.issue_states import MOST_READ, IssueStates
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, SandboxProcess

pytestmark = pytest.mark.anyio


def identity(number: int) -> str:
    return f"01936f2e-7a51-7000-8000-{number:012x}"


BUSY = [identity(number) for number in range(101)]
QUIET = [identity(number) for number in range(1000, 1013)]
QUIETEST = QUIET[0]


def seed() -> dict[str, Any]:
    """A project with more issues with events than one page of the list has, and some without any."""
    rows = [
        {"id": one, "name": "E", "fingerprints": [f"print {one}"], "events": {"count": 1, "since": 0.5}} for one in BUSY
    ]
    rows += [{"id": one, "name": "Q", "created_at": "-60d", "fingerprints": [f"print {one}"]} for one in QUIET]
    return {
        "projects": [{"id": 1}],
        "users": [{"id": 1, "first_name": "Ada", "email": "ada@acme.example"}],
        "keys": [{"value": FULL}],
        "issues": rows,
    }


@pytest.fixture(scope="module")
def shared_sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(seed()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> SandboxProcess:
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
async def states(sandbox: SandboxProcess) -> AsyncGenerator[IssueStates]:
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1", http_proxy=None) as proxy:
        yield IssueStates(proxy)


def requests(sandbox: SandboxProcess) -> list[str]:
    """Return the requests since the last call of this: `list`, or the id of the issue that was read."""
    paths = [one["path"].partition("?")[0].rstrip("/").split("/") for one in sandbox.journal()]
    sandbox.empty_journal()
    return ["list" if path[-2:] == ["query", "issues"] else path[-1] for path in paths]


@pytest.mark.parametrize(
    "change",
    [{"status": "resolved"}, {"name": "Renamed"}, {"severity": "high"}, {"assignee": {"type": "user", "id": 1}}],
    ids=lambda change: next(iter(change)),
)
async def test_a_change_of_a_quiet_issue_is_seen_once(
    sandbox: SandboxProcess, states: IssueStates, change: dict[str, Any]
) -> None:
    await states.begin([QUIETEST, BUSY[0]])
    assert await states.look({QUIETEST, BUSY[0]}) == set()
    sandbox.api("PATCH", f"issues/{QUIETEST}/{'assign/' * ('assignee' in change)}", change).raise_for_status()
    sandbox.api("PATCH", f"issues/{QUIET[1]}/", {"status": "resolved"})

    assert await states.look({QUIETEST, BUSY[0]}) == {QUIETEST}
    assert await states.look({QUIETEST, BUSY[0]}) == set()


async def test_each_issue_outside_the_list_has_its_turn(sandbox: SandboxProcess, states: IssueStates) -> None:
    watched = {*QUIET, BUSY[-1], BUSY[-2]}
    await states.begin(QUIET)
    first = requests(sandbox)
    await states.look(watched)
    second = requests(sandbox)
    await states.look(watched)
    third = requests(sandbox)

    assert [first[0], second[0], third[0]] == ["list"] * 3
    assert [len(first), len(second), len(third)] == [1 + MOST_READ] * 3
    assert set(second[1:]) | set(third[1:]) >= set(QUIET)


async def test_a_merged_issue_is_a_change(sandbox: SandboxProcess, states: IssueStates) -> None:
    await states.begin([QUIETEST])
    sandbox.api("POST", f"issues/{BUSY[0]}/merge/", {"ids": [QUIETEST]}).raise_for_status()

    assert await states.look({QUIETEST}) == {QUIETEST}
    assert await states.look({QUIETEST}) == set()


def page(first: int, last_seen: str, *, has_more: bool = True) -> Any:
    rows = [{"id": identity(first + at), "status": "active", "last_seen": last_seen} for at in range(100)]
    return http(200, {"results": rows, "hasMore": has_more})


async def test_pages_are_read_as_far_as_events_are_new() -> None:
    old, new = "2026-06-01T00:00:00Z", "2026-06-01T00:01:00Z"
    script = [page(0, old), page(100, new), page(200, new), page(0, old), page(100, new)]
    last = identity(250)
    with FaultServer(script) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr(FULL), project="1", http_proxy=None) as proxy:
            states = IssueStates(proxy)
            await states.begin([identity(0)])
            changed = await states.look({identity(0), last})
            again = await states.look({identity(150)})
            asked = [json.loads(one.body).get("offset", 0) for one in upstream.received]

    assert changed == {last}
    assert again == set()
    assert asked == [0, 0, 100, 200, 0]


async def test_a_failed_look_loses_nothing() -> None:
    def answer(status: str) -> Any:
        return http(200, {"results": [{"id": BUSY[0], "status": status, "last_seen": "2026-06-01T00:00:00Z"}]})

    record = http(200, {"id": QUIETEST, "status": "active", "assignee": None})
    refused = http(400, {"detail": "No."})
    with FaultServer([answer("active"), record, answer("resolved"), refused, answer("resolved"), record]) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr(FULL), project="1", http_proxy=None) as proxy:
            states = IssueStates(proxy)
            await states.begin([QUIETEST])
            with pytest.raises(PostHogError):
                await states.look({QUIETEST, BUSY[0]})
            changed = await states.look({QUIETEST, BUSY[0]})

    assert changed == {BUSY[0]}
