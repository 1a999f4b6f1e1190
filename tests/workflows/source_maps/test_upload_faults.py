"""Uploads while PostHog and its object storage fail in every way: the others go on, and nothing is wrongly finished."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.proxy.errors import PostHogError, ServerFailureError
from mcp_errortracking.workflows.source_maps.remote import storage
from mcp_errortracking.workflows.source_maps.remote.releases import ReleaseName
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import SymbolSets
from mcp_errortracking.workflows.source_maps.upload import session as uploads
from mcp_errortracking.workflows.source_maps.upload.results import ChunkStatus, UploadResult
from mcp_errortracking.workflows.source_maps.upload.session import Options
from tests.proxy.connections import Received
from tests.proxy.fault_server import Reply, http
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.relay import EXPIRED, LOSE, PASS, RESET, Relay, xml
from tests.workflows.source_maps.written_builds import Pauses, connected, unfinished, write_build

pytestmark = pytest.mark.anyio
SEED: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}
PUT, START, FINISH = "PUT /_storage", "POST .*/bulk_start_upload/", "POST .*/bulk_finish_upload/"
DOWN = [http(502)] * 3


@pytest.fixture
def relay(sandbox: SandboxProcess) -> Generator[Relay]:
    with Relay(sandbox.url) as relay:
        yield relay


def hog(code: str, detail: str, status: int = 400) -> Reply:
    body = {"type": "validation_error", "code": code, "detail": detail, "attr": None}
    return http(status, body)


def outcomes(result: UploadResult) -> list[tuple[str, str | None]]:
    return [(one.status, one.code) for one in result.chunks]


async def upload(*arguments: Any, **more: Any) -> UploadResult:
    """An upload whose waits take no time."""
    return await uploads.upload(*arguments, **more, sleep=Pauses())


OK = (ChunkStatus.UPLOADED, None)


@pytest.mark.parametrize(
    ("fault", "waits"),
    [([EXPIRED], []), ([xml(400, "ExpiredToken")] * 2, []), ([http(503)] * 2, [0.5, 1.0]), ([RESET], [0.5])],
)
async def test_what_passes_is_waited_for(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path, fault: list[Reply], waits: list[float]
) -> None:
    chunks, pauses = write_build(tmp_path, 3), Pauses()
    relay.on(PUT, *fault)
    async with connected(relay.url, sandbox.key, pauses=pauses) as (proxy, storage):
        result = await upload(proxy, storage, chunks, options=Options(concurrency=1))

    assert outcomes(result) == [OK] * 3
    assert pauses.asked == waits
    assert unfinished(sandbox, chunks) == []
    # A fresh URL comes of starting again, for those chunks alone.
    starts = [entry for entry in sandbox.journal() if entry["path"].endswith("bulk_start_upload/")]
    assert [len(entry["body"]["symbol_sets"]) for entry in starts] == ([3] if waits else [3, len(fault)])


@pytest.mark.parametrize(
    ("faults", "code", "words"),
    [
        ([EXPIRED, PASS, PASS, EXPIRED, EXPIRED], "storage_expired", "has expired"),
        ([xml(403, "SignatureDoesNotMatch")], "storage_denied", "SignatureDoesNotMatch"),
        ([http(403, b"<html>")], "storage_denied", "HTTP 403"),
        ([xml(503, "SlowDown")] * 3, "storage_busy", "SlowDown"),
        ([RESET] * 3, "storage_lost", "No transfer"),
        ([xml(404, "NoSuchBucket")], "storage_object_missing", "NoSuchBucket"),
    ],
)
async def test_what_does_not_pass_is_said_of_its_chunk(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path, faults: list[Reply], code: str, words: str
) -> None:
    chunks = write_build(tmp_path, 3)
    relay.on(PUT, *faults)
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, options=Options(concurrency=1))
        assert sorted(outcomes(result)) == sorted([OK, OK, (ChunkStatus.FAILED, code)])
        (failed,) = result.failed
        assert words in failed.reason
        assert failed.next_step
        assert unfinished(sandbox, chunks) == [failed.chunk.chunk_id]

        again = await upload(proxy, storage, chunks)
    assert sorted(outcomes(again)) == sorted([OK, *[(ChunkStatus.UNCHANGED, None)] * 2])
    assert unfinished(sandbox, chunks) == []


async def test_a_file_that_a_dripping_store_takes_is_not_finished(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = write_build(tmp_path, 3)
    monkeypatch.setattr(storage, "_LEAST_TIME", 0.5)
    relay.on(PUT, replace(http(403, b"x" * 20_000), drip=True))
    async with connected(relay.url, sandbox.key) as (proxy, store):
        result = await upload(proxy, store, chunks, options=Options(concurrency=1))
        assert sorted(outcomes(result)) == sorted([OK, OK, (ChunkStatus.FAILED, "storage_too_slow")])
        (failed,) = result.failed
        assert failed.reason.startswith("Object storage was too slow")
        assert relay.count(PUT) == 3
        assert unfinished(sandbox, chunks) == [failed.chunk.chunk_id]
        again = await upload(proxy, store, chunks)

    assert sorted(outcomes(again)) == sorted([OK, *[(ChunkStatus.UNCHANGED, None)] * 2])
    assert unfinished(sandbox, chunks) == []


async def test_a_dead_store_is_not_waited_for_by_everyone(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    chunks, pauses = write_build(tmp_path, 40, size=10), Pauses()
    relay.on(PUT, *[http(503)] * 200)
    async with connected(relay.url, sandbox.key, pauses=pauses) as (proxy, storage):
        result = await upload(proxy, storage, chunks, options=Options(concurrency=1))

    assert {one.code for one in result.failed} == {"storage_busy", "storage_lost"}
    assert (len(result.failed), relay.count(PUT)) == (40, 60)
    assert relay.count(FINISH) == 0


@pytest.mark.parametrize("lost", [LOSE, RESET, http(502), hog("throttled", "Wait.", 429)])
@pytest.mark.parametrize("request_kind", [START, FINISH])
async def test_an_answer_that_is_lost_is_asked_for_again(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path, lost: Reply, request_kind: str
) -> None:
    """A start and a finish may be repeated: the second finds the first one done, or not."""
    chunks = write_build(tmp_path, 2)
    relay.on(request_kind, lost)
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)

    assert outcomes(result) == [OK, OK]
    assert unfinished(sandbox, chunks) == []
    assert len(sandbox.api("GET", "symbol_sets/").json()["results"]) == 2


async def test_a_finish_that_stays_lost_is_made_up_for_by_the_next_run(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    chunks = write_build(tmp_path, 4)
    relay.on(FINISH, *DOWN)
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)
        assert outcomes(result) == [(ChunkStatus.FAILED, "http_502")] * 4
        assert {one.next_step for one in result.failed} == {"Upload again: finished chunks are left alone."}
        assert len(unfinished(sandbox, chunks)) == 4

        again = await upload(proxy, storage, chunks)
    assert outcomes(again) == [OK] * 4
    assert unfinished(sandbox, chunks) == []


async def test_a_set_that_cannot_be_finished_is_told_apart(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    """One of five files is never there though the store says so: by halving, the others are finished."""
    chunks, lie = write_build(tmp_path, 5), http(200, kind="")
    relay.on(PUT, lie, PASS, PASS, PASS, PASS, lie, lie)
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, options=Options(concurrency=1))

    assert sorted(outcomes(result)) == sorted([*[OK] * 4, (ChunkStatus.FAILED, "file_not_found")])
    (failed,) = result.failed
    assert unfinished(sandbox, chunks) == [failed.chunk.chunk_id]
    assert failed.reason == "No file has been uploaded for the symbol set."


async def test_a_file_that_is_gone_once_is_sent_again(sandbox: SandboxProcess, relay: Relay, tmp_path: Path) -> None:
    """As when the start of a run that was killed arrives late, and points the set to another place."""
    chunks = write_build(tmp_path, 3)
    relay.on(PUT, http(200, kind=""))
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, options=Options(concurrency=1))

    assert (outcomes(result), relay.count(PUT)) == ([OK] * 3, 4)
    assert unfinished(sandbox, chunks) == []


async def test_an_older_server_deletes_what_it_cannot_finish(tmp_path: Path) -> None:
    """Before June 2026 one bad set took the whole batch along, and a second finish "succeeded" with nothing there."""
    chunks = write_build(tmp_path, 5)
    with SandboxProcess(SEED | {"server": {"features": {"finish_keeps_rows": False}}}) as sandbox:
        with Relay(sandbox.url) as relay:
            relay.on(PUT, http(200, kind=""))
            async with connected(relay.url, sandbox.key) as (proxy, storage):
                result = await upload(proxy, storage, chunks, options=Options(concurrency=1))
        assert outcomes(result) == [OK] * 5
        assert unfinished(sandbox, chunks) == []


async def test_an_older_server_that_says_yes_with_nothing_there(tmp_path: Path) -> None:
    """A finish fails after the sets were deleted; the second try "succeeds". They are looked for, and sent again."""
    chunks = write_build(tmp_path, 3)
    features = {"finish_keeps_rows": False, "bulk_check": False}
    with SandboxProcess(SEED | {"server": {"features": features}}) as sandbox, Relay(sandbox.url) as relay:

        def delete_all(request: Received, phase: str) -> None:
            if request.target.endswith("/bulk_finish_upload/") and phase == "before" and relay.count(FINISH) == 1:
                rows = sandbox.api("GET", "symbol_sets/").json()["results"]
                sandbox.api("POST", "symbol_sets/bulk_delete/", {"ids": [row["id"] for row in rows]})

        relay.watch = delete_all
        relay.on(FINISH, http(502))
        async with connected(relay.url, sandbox.key) as (proxy, storage):
            result = await upload(proxy, storage, chunks)
        assert outcomes(result) == [OK] * 3
        rows = sandbox.api("GET", "symbol_sets/").json()["results"]
        assert sorted(row["ref"] for row in rows) == ["chunk-0", "chunk-1", "chunk-2"]
        assert relay.count(START) == 2


async def test_a_set_that_someone_deletes_meanwhile_is_started_anew(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    chunks = write_build(tmp_path, 3)
    done = list[int]()

    def delete_one(request: Received, phase: str) -> None:
        if request.target.endswith("/bulk_finish_upload/") and phase == "before" and not done:
            row = sandbox.api("GET", "symbol_sets/?ref=chunk-1").json()["results"][0]
            done.append(sandbox.api("DELETE", f"symbol_sets/{row['id']}/").status_code)

    relay.watch = delete_one
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)

    assert (outcomes(result), done) == ([OK] * 3, [204])
    assert unfinished(sandbox, chunks) == []


async def test_a_conflict_that_arises_meanwhile_is_found_by_name(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    """Between the comparison and the start, someone else uploads other content for one of the chunks."""
    chunks = write_build(tmp_path, 4)
    relay.on(START, hog("content_hash_mismatch", "Symbol set chunk-2 already exists with different content."))
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)

    assert outcomes(result) == [OK, OK, (ChunkStatus.FAILED, "content_hash_mismatch"), OK]
    assert unfinished(sandbox, chunks) == ["chunk-2"]


async def test_a_refusal_without_a_name_is_found_by_halving(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    chunks = write_build(tmp_path, 4)
    nameless = hog("file_too_large", "Symbol sets larger than 100MB cannot be uploaded.")
    relay.on(START, nameless, nameless, nameless)  # all four, the first two, the first
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)

    assert outcomes(result) == [(ChunkStatus.FAILED, "file_too_large"), OK, OK, OK]
    assert unfinished(sandbox, chunks) == ["chunk-0"]


async def test_a_file_that_changes_on_its_way_is_not_finished(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    chunks = write_build(tmp_path, 3)

    def change(request: Received, phase: str) -> None:
        if request.target.endswith("/bulk_start_upload/") and phase == "after":
            (tmp_path / "chunk-1.js").write_text("rebuilt")
            (tmp_path / "chunk-2.js").unlink()

    relay.watch = change
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, options=Options(compressed=False))

    assert outcomes(result) == [OK, (ChunkStatus.FAILED, "changed"), (ChunkStatus.FAILED, "missing")]
    finished = [entry["body"] for entry in sandbox.journal() if entry["path"].endswith("finish_upload/")]
    assert [len(body["content_hashes"]) for body in finished] == [1]


@pytest.mark.parametrize("answer", [{}, {"id_map": []}, {"id_map": {"chunk-0": {}}}, {"id_map": {"chunk-0": None}}, []])
async def test_an_answer_that_makes_no_sense(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path, answer: Any
) -> None:
    relay.on(START, http(201, answer))
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, write_build(tmp_path, 2))

    assert outcomes(result) == [(ChunkStatus.FAILED, "unreadable_answer")] * 2
    assert relay.count(PUT) == relay.count(FINISH) == 0


async def test_no_address_to_upload_to(sandbox: SandboxProcess, relay: Relay, tmp_path: Path) -> None:
    entry = {"symbol_set_id": "01936f2e-7a51-7000-8000-00000000dead", "presigned_url": None}
    relay.on(START, http(201, {"id_map": {"chunk-0": entry}}))
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, write_build(tmp_path, 1))

    assert outcomes(result) == [(ChunkStatus.FAILED, "storage_denied")]
    assert result.failed[0].reason == "PostHog handed out no address to upload to."


async def test_a_release_whose_answer_is_lost_is_not_made_twice(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path
) -> None:
    relay.on("POST .*/releases/", LOSE)
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, write_build(tmp_path, 1), release=ReleaseName("2", "shop"))

    assert outcomes(result) == [OK]
    assert [one["version"] for one in sandbox.api("GET", "releases/").json()["results"]] == ["2"]


async def test_posthog_down_from_the_start_is_an_error_and_later_on_is_not(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = "POST .*/bulk_check_upload/"
    monkeypatch.setattr("mcp_errortracking.workflows.source_maps.upload.session.MAX_STARTED", 2)
    monkeypatch.setattr("mcp_errortracking.workflows.source_maps.upload.session.MAX_CHECKED", 2)
    chunks = write_build(tmp_path, 3)
    relay.on(check, *DOWN, PASS, PASS, *DOWN)
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        with pytest.raises(ServerFailureError):
            await upload(proxy, storage, chunks)
        assert sandbox.journal() == []

        result = await upload(proxy, storage, chunks)
    assert outcomes(result) == [OK, OK, (ChunkStatus.FAILED, "http_502")]
    assert unfinished(sandbox, chunks) == ["chunk-2"]


@pytest.mark.parametrize("fault", [http(502), RESET, hog("throttled", "Wait.", 429)])
@pytest.mark.parametrize("lookup", ["GET .*/releases/", "POST .*/bulk_check_upload/"])
async def test_a_lookup_is_sent_four_times_at_most(
    sandbox: SandboxProcess, relay: Relay, tmp_path: Path, fault: Reply, lookup: str
) -> None:
    """The retries of an upload do not multiply those of the proxy."""
    relay.on(lookup, *[fault] * 20)
    async with connected(relay.url, sandbox.key) as (proxy, storage):
        with pytest.raises(PostHogError):
            await upload(proxy, storage, write_build(tmp_path, 1), release=ReleaseName("2", "shop"))
    assert 3 <= relay.count(lookup) <= 4


async def test_a_lookup_of_symbol_sets_is_sent_four_times_at_most(sandbox: SandboxProcess, relay: Relay) -> None:
    relay.on("GET .*/symbol_sets/", *[http(503)] * 20)
    async with connected(relay.url, sandbox.key) as (proxy, _):
        with pytest.raises(ServerFailureError):
            await SymbolSets(proxy, sleep=Pauses()).find("chunk-0")
    assert relay.count("GET .*/symbol_sets/") == 4
