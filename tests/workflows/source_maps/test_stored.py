"""The symbol sets that PostHog holds for a build."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_errortracking.proxy.errors import UnauthorizedError
from mcp_errortracking.workflows.source_maps.remote import symbol_sets
from mcp_errortracking.workflows.source_maps.remote.stored import State, StoredChunk, check
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.relay import RESET, Relay
from tests.workflows.source_maps.written_builds import Pauses, connected

pytestmark = pytest.mark.anyio

R1, R2 = "01936f2e-7a51-7000-8000-0000000000a1", "01936f2e-7a51-7000-8000-0000000000a2"
NOW = datetime(2026, 9, 1, tzinfo=UTC)
SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}],
    "releases": [{"id": R1, "version": "1.4.2", "product": "shop"}, {"id": R2, "version": "1.4.1", "product": "shop"}],
    "symbol_sets": [
        {"ref": "same", "content": "x", "content_hash": "h", "release": R1, "last_used": "2026-08-30T00:00:00Z"},
        {"ref": "other", "content": "x", "content_hash": "old", "release": R2, "last_used": "2026-08-08T00:00:00Z"},
        {"ref": "loose", "content": "x", "content_hash": "h", "last_used": "2026-08-09T00:00:01Z"},
        {"ref": "begun", "state": "pending", "created_at": "2026-08-20T00:00:00Z"},
        {"ref": "crawled", "state": "missing", "failure_reason": "no map at that URL"},
        *({"ref": f"another build's {number}"} for number in range(250)),
    ],
}
HASHES: dict[str, str | None] = dict.fromkeys(("same", "other", "loose", "begun", "crawled", "never"), "h")


async def held(sandbox: SandboxProcess, hashes: dict[str, str | None] = HASHES, **more: Any) -> dict[str, StoredChunk]:
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        found = await check(proxy, storage, hashes, now=NOW, sleep=Pauses(), **more)
    assert [one.chunk_id for one in found] == list(hashes)
    return {one.chunk_id: one for one in found}


@pytest.mark.parametrize("pages", [True, False])
async def test_every_state(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, pages: bool) -> None:
    """The results are equal if the project is paged through and if each ref is asked for."""
    monkeypatch.setattr(symbol_sets, "_PAGE", 100 if pages else 10)
    found = await held(sandbox, release_id=R1)
    requests = [entry["query"] for entry in sandbox.journal() if entry["method"] == "GET"]

    assert [query.get("ref") for query in requests if "ref" in query] == ([] if pages else sorted(HASHES))
    assert {name: one.state for name, one in found.items()} == {
        "same": State.UPLOADED,
        "other": State.DIFFERENT,
        "loose": State.UPLOADED,
        "begun": State.UNFINISHED,
        "crawled": State.NOT_FOUND_ONLINE,
        "never": State.MISSING,
    }
    assert all(one.compared for one in found.values())
    assert [name for name, one in found.items() if one.wrong_release] == ["other", "loose", "begun", "crawled"]
    assert (found["other"].release_id, found["other"].release_version) == (R2, "1.4.1")
    assert found["crawled"].failure_reason == "no map at that URL"
    assert found["same"].last_used == datetime(2026, 8, 30, tzinfo=UTC)
    assert found["same"].expires == datetime(2026, 9, 29, tzinfo=UTC)
    # A set is expiring a week before.
    assert [name for name, one in found.items() if one.expiring] == ["other"]
    assert found["loose"].expires == datetime(2026, 9, 8, 0, 0, 1, tzinfo=UTC)
    assert found["never"] == StoredChunk("never", State.MISSING, compared=True)


async def test_without_content_the_files_are_asked_for(sandbox: SandboxProcess) -> None:
    found = await held(sandbox, {"same": None, "other": None, "begun": None, "loose": "h", "never": None})

    assert {name: (one.state, one.compared) for name, one in found.items()} == {
        "same": (State.UPLOADED, False),
        "other": (State.UPLOADED, False),
        "begun": (State.UNFINISHED, False),
        "loose": (State.UPLOADED, True),
        "never": (State.MISSING, False),
    }
    asked = [entry["path"].split("/")[-3:-1] for entry in sandbox.journal() if entry["path"].endswith("/download/")]
    assert len(asked) == 3


async def test_a_server_that_cannot_compare_is_asked_for_the_files() -> None:
    with SandboxProcess(SEED, "--age", "2026-06") as sandbox:
        found = await held(sandbox)

    assert {name: one.state for name, one in found.items()} == {
        "same": State.UPLOADED,
        "other": State.UPLOADED,
        "loose": State.UPLOADED,
        "begun": State.UNFINISHED,
        "crawled": State.NOT_FOUND_ONLINE,
        "never": State.MISSING,
    }
    assert not any(one.compared or one.wrong_release for one in found.values())


async def test_the_oldest_server_tells_little_and_nothing_is_made_up() -> None:
    with SandboxProcess(SEED, "--age", "2025") as sandbox:
        found = await held(sandbox, release_id=R1)

    assert [one.state for one in found.values()] == [
        *[State.UPLOADED] * 4,  # whether the file arrived cannot be told
        State.NOT_FOUND_ONLINE,
        State.MISSING,
    ]
    assert not any(one.compared or one.wrong_release or one.expiring or one.expires for one in found.values())


async def test_nothing_is_changed_but_what_counts_as_used(sandbox: SandboxProcess) -> None:
    await held(sandbox)
    methods = {(entry["method"], entry["path"].split("/")[-2]) for entry in sandbox.journal()}
    assert methods == {("GET", "symbol_sets"), ("POST", "bulk_check_upload")}


async def test_no_answer_is_an_error(sandbox: SandboxProcess) -> None:
    with Relay(sandbox.url) as relay:
        relay.on("POST .*/bulk_check_upload/", RESET)
        async with connected(relay.url, sandbox.key) as (proxy, storage):
            assert len(await check(proxy, storage, HASHES, sleep=Pauses())) == 6
        async with connected(sandbox.url, "phx_unknown") as (proxy, storage):
            with pytest.raises(UnauthorizedError):
                await check(proxy, storage, HASHES, sleep=Pauses())
