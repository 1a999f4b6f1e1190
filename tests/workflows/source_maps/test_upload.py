"""Uploads against the sandbox: what PostHog has afterwards, what was sent, and what is said of each chunk."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_errortracking.proxy.errors import UnauthorizedError
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType, decode
from mcp_errortracking.workflows.source_maps.remote.releases import Release, ReleaseName
from mcp_errortracking.workflows.source_maps.upload.results import Choice, ChunkStatus, ConflictRules, UploadResult
from mcp_errortracking.workflows.source_maps.upload.session import Options, upload
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.written_builds import (
    connected,
    expected_hash,
    local,
    parts_of,
    stored,
    unfinished,
    write_build,
    write_bundle,
)

pytestmark = pytest.mark.anyio

OLD = "01936f2e-7a51-7000-8000-0000000000a1"
SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}],
    "releases": [{"id": OLD, "version": "1.4.1", "product": "shop"}],
    "symbol_sets": [
        {"ref": "chunk-1", "content": "other bytes", "content_hash": "other"},
        {"ref": "chunk-2", "state": "pending"},
        {"ref": "chunk-3", "content": "other bytes", "content_hash": "other", "release": OLD},
    ],
}
EMPTY: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}
NAME = ReleaseName("1.4.2", "shop", {"git": {"commit_id": "9fceb02d"}})


@pytest.fixture(scope="module", params=["new", "2026-06", "2025"])
def aged(request: pytest.FixtureRequest) -> Generator[SandboxProcess]:
    with SandboxProcess(EMPTY, "--age", request.param) as running:
        running.facts["age"] = request.param
        yield running


def outcomes(result: UploadResult) -> dict[str, ChunkStatus]:
    return {one.chunk.chunk_id: one.status for one in result.chunks}


def paths(sandbox: SandboxProcess) -> list[str]:
    return [entry["path"].removeprefix("/api/projects/1/error_tracking/") for entry in sandbox.journal()]


async def test_an_upload_and_again(aged: SandboxProcess, tmp_path: Path) -> None:
    """With every age of PostHog: all is there after the first, and nothing is sent by the second."""
    aged.reset()
    chunks = write_build(tmp_path, 7)
    told = list[tuple[int, int, str]]()

    async def progress(done: int, total: int, message: str) -> None:
        told.append((done, total, message))

    async with connected(aged.url, aged.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, release=NAME, options=Options(batch=3), progress=progress)
        assert set(outcomes(result).values()) == {ChunkStatus.UPLOADED}
        assert [one.content_hash for one in result.chunks] == [expected_hash(chunk) for chunk in chunks]
        assert result.release is not None
        assert (result.release.version, result.release.is_new, result.failed) == ("1.4.2", True, [])
        assert 0 < result.bytes_sent < 7 * 5000
        assert (told[0], told[-1][:2]) == ((7, 14, "read 7 of 7"), (14, 14))
        assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)

        aged.empty_journal()
        again = await upload(proxy, storage, chunks, release=NAME)
        assert set(outcomes(again).values()) == {ChunkStatus.UNCHANGED}
        assert again.release == Release(result.release.id, "1.4.2", "shop")
        assert again.bytes_sent == 0
        assert not any(path.endswith("finish_upload/") for path in paths(aged))

    release = aged.api("GET", f"releases/{result.release.id}/").json()
    assert (release["hash_id"], release["metadata"]) == (NAME.hash_id, {"git": {"commit_id": "9fceb02d"}})
    if aged.facts["age"] == "new":
        assert unfinished(aged, chunks) == []
    if aged.facts["age"] != "2025":
        for chunk in chunks:
            symbols = decode(stored(aged, chunk.chunk_id))
            assert (symbols.source, symbols.data) == parts_of(chunk)
            assert symbols.version == (2 if aged.facts["age"] == "new" else 1)


async def test_an_unchanged_build_gets_the_release_it_had_not(sandbox: SandboxProcess, tmp_path: Path) -> None:
    chunks = write_build(tmp_path, 3, first=10)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        await upload(proxy, storage, chunks[:2])
        result = await upload(proxy, storage, chunks, release=NAME)
        assert [one.status for one in result.chunks] == [
            ChunkStatus.UNCHANGED,
            ChunkStatus.UNCHANGED,
            ChunkStatus.UPLOADED,
        ]
        later = await upload(proxy, storage, chunks, release=ReleaseName("1.4.3", "shop"))
        assert set(outcomes(later).values()) == {ChunkStatus.UNCHANGED}

    rows = sandbox.api("GET", "symbol_sets/?search=chunk-1").json()["results"]
    assert [row["release"] and row["release"]["version"] for row in rows if row["ref"] != "chunk-1"] == ["1.4.2"] * 3


async def test_the_second_time_costs_three_requests(sandbox: SandboxProcess, tmp_path: Path) -> None:
    chunks = write_build(tmp_path, 3, first=10)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        await upload(proxy, storage, chunks, release=NAME)
        sandbox.empty_journal()
        await upload(proxy, storage, chunks, release=NAME)

    requests = [f"releases/hash/{NAME.hash_id}/", "symbol_sets/bulk_check_upload/", "symbol_sets/bulk_start_upload/"]
    assert paths(sandbox) == requests


@pytest.mark.parametrize(
    ("rules", "other"),
    [
        (ConflictRules(), ChunkStatus.FAILED),
        (ConflictRules(skip_on_conflict=True), ChunkStatus.SKIPPED_CONFLICT),
        (ConflictRules(force=True), ChunkStatus.UPLOADED),
    ],
)
async def test_conflicts_are_the_users_choice_and_stop_nobody_else(
    sandbox: SandboxProcess, tmp_path: Path, rules: ConflictRules, other: ChunkStatus
) -> None:
    chunks = write_build(tmp_path, 4)  # 0 is new, 1 differs, 2 was never finished, 3 differs
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, options=Options(rules))

    uploaded = ChunkStatus.UPLOADED
    assert outcomes(result) == {"chunk-0": uploaded, "chunk-1": other, "chunk-2": uploaded, "chunk-3": other}
    assert unfinished(sandbox, chunks) == ([] if other is uploaded else ["chunk-1", "chunk-3"])
    assert (stored(sandbox, "chunk-1") == b"other bytes") == (other is not uploaded)
    for failed in result.failed:
        assert (failed.code, failed.choices) == ("content_hash_mismatch", (Choice.FORCE, Choice.SKIP_ON_CONFLICT))
        assert "force to overwrite it" in failed.next_step


async def test_a_set_of_another_release(sandbox: SandboxProcess, tmp_path: Path) -> None:
    """Chunk 3 belongs to release 1.4.1, and force does not change that."""
    chunks = write_build(tmp_path, 4)
    rules = ConflictRules(force=True)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, release=NAME, options=Options(rules))

    uploaded = dict.fromkeys(("chunk-0", "chunk-1", "chunk-2"), ChunkStatus.UPLOADED)
    assert outcomes(result) == uploaded | {"chunk-3": ChunkStatus.FAILED}
    assert unfinished(sandbox, chunks) == ["chunk-3"]
    (row,) = sandbox.api("GET", "symbol_sets/?ref=chunk-3").json()["results"]
    assert row["release"]["version"] == "1.4.1"
    (row,) = sandbox.api("GET", "symbol_sets/?ref=chunk-0").json()["results"]
    assert row["release"]["version"] == "1.4.2"
    for failed in result.failed:
        assert (failed.code, failed.choices) == ("release_id_mismatch", (Choice.WITHOUT_RELEASE,))


async def test_the_same_build_under_a_new_release(aged: SandboxProcess, tmp_path: Path) -> None:
    """Other clients fail here with "already has a release ID": the content is there, so nothing has to be done."""
    aged.reset()
    chunks = write_build(tmp_path, 6)
    async with connected(aged.url, aged.key) as (proxy, storage):
        await upload(proxy, storage, chunks[:4], release=NAME)
        (tmp_path / "chunk-3.js").write_text("changed")
        result = await upload(proxy, storage, chunks, release=ReleaseName("1.4.3", "shop"))

    unchanged = dict.fromkeys(("chunk-0", "chunk-1", "chunk-2"), ChunkStatus.UNCHANGED)
    new = dict.fromkeys(("chunk-4", "chunk-5"), ChunkStatus.UPLOADED)
    assert outcomes(result) == unchanged | new | {"chunk-3": ChunkStatus.FAILED}
    assert result.failed[0].code in ("content_hash_mismatch", "release_id_mismatch")
    assert result.failed[0].choices


async def test_conflicts_on_an_older_server_are_found_one_by_one(aged: SandboxProcess, tmp_path: Path) -> None:
    aged.reset()
    chunks = write_build(tmp_path, 8)
    async with connected(aged.url, aged.key) as (proxy, storage):
        await upload(proxy, storage, chunks[:5])
        for name in ("chunk-1", "chunk-4"):
            (tmp_path / f"{name}.js").write_text("changed")
        result = await upload(proxy, storage, chunks)
        kept = await upload(proxy, storage, chunks, options=Options(ConflictRules(skip_on_conflict=True)))

    found = outcomes(result)
    assert [name for name in found if found[name] is ChunkStatus.FAILED] == ["chunk-1", "chunk-4"]
    assert [name for name in found if found[name] is ChunkStatus.UPLOADED] == ["chunk-5", "chunk-6", "chunk-7"]
    found = outcomes(kept)
    assert {name for name in found if found[name] is ChunkStatus.SKIPPED_CONFLICT} == {"chunk-1", "chunk-4"}
    assert kept.count(ChunkStatus.UNCHANGED) == 6


async def test_bad_files_are_reported_and_the_others_go_on(sandbox: SandboxProcess, tmp_path: Path) -> None:
    chunks = write_build(tmp_path, 8, first=10)
    (tmp_path / "chunk-10.js").unlink()
    (tmp_path / "chunk-11.js.map").write_bytes(b"")
    os.truncate(tmp_path / "chunk-12.js", 513 << 20)
    chunks[3] = Chunk(" ", chunks[3].map, chunks[3].source, name="chunk-13.js")
    chunks.insert(4, Chunk(" padded", chunks[3].map, chunks[3].source, name="chunk-13.js"))
    double = write_bundle(tmp_path, "again", salt="x")
    chunks += [chunks[5], Chunk("chunk-15", double.map, double.source, name="again.js")]
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)

    assert [(one.status, one.code) for one in result.chunks] == [
        (ChunkStatus.FAILED, "missing"),
        (ChunkStatus.FAILED, "empty"),
        (ChunkStatus.FAILED, "too_large"),
        (ChunkStatus.FAILED, "no_chunk_id"),
        (ChunkStatus.FAILED, "bad_chunk_id"),
        *[(ChunkStatus.UPLOADED, None)] * 4,
        (ChunkStatus.DUPLICATE, "duplicate_chunk_id"),
        (ChunkStatus.DUPLICATE, "duplicate_chunk_id"),
    ]
    assert [one.chunk for one in result.chunks] == chunks
    same, other = result.chunks[-2:]
    assert (same.reason, same.next_step) == ("chunk-14.js has the same chunk id and the same content; it counts.", "")
    assert other.reason == "chunk-15.js has the same chunk id and other content; it counts."
    assert "cannot be resolved" in other.next_step
    assert unfinished(sandbox, chunks[5:9]) == []
    assert all(one.next_step for one in result.failed)


async def test_over_100_mib_is_what_is_sent_not_what_is_read(sandbox: SandboxProcess, tmp_path: Path) -> None:
    file = tmp_path / "big.map"
    file.touch()
    os.truncate(file, 101 << 20)
    chunks = [*write_build(tmp_path, 1, first=10), Chunk("big", local(file), kind=DataType.HERMES_MAP, name="big.map")]
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        plain = await upload(proxy, storage, chunks, options=Options(compressed=False))
        packed = await upload(proxy, storage, chunks)

    assert [(one.status, one.code) for one in plain.chunks] == [
        (ChunkStatus.UPLOADED, None),
        (ChunkStatus.FAILED, "too_large"),
    ]
    assert plain.failed[0].reason == "big.map makes a symbol set of 101.0 MiB; the limit is 100 MiB."
    assert [one.status for one in packed.chunks] == [ChunkStatus.UNCHANGED, ChunkStatus.UPLOADED]
    assert len(decode(stored(sandbox, "big"), limit=102 << 20).data) == 101 << 20


async def test_an_upload_that_is_cancelled_is_gone_on_with(sandbox: SandboxProcess, tmp_path: Path) -> None:
    chunks = write_build(tmp_path, 6, first=10)
    with anyio.CancelScope() as scope:

        async def progress(_done: int, _total: int, message: str) -> None:
            if message.startswith("uploaded"):
                scope.cancel()

        async with connected(sandbox.url, sandbox.key) as (proxy, storage):
            await upload(proxy, storage, chunks, options=Options(batch=1), progress=progress)
    assert scope.cancelled_caught
    left = unfinished(sandbox, chunks)
    assert 0 < len(left) < 6

    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)
    assert (result.count(ChunkStatus.UPLOADED), unfinished(sandbox, chunks)) == (len(left), [])


async def test_nothing_to_upload_asks_nothing(sandbox: SandboxProcess, tmp_path: Path) -> None:
    gone = Chunk("a", local(tmp_path / "a.map"), kind=DataType.HERMES_MAP)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        assert (await upload(proxy, storage, [], release=NAME)).chunks == []
        result = await upload(proxy, storage, [gone], release=NAME)

    assert (outcomes(result), result.release, result.bytes_sent) == ({"a": ChunkStatus.FAILED}, None, 0)
    assert sandbox.journal() == []


async def test_a_release_made_another_way_is_found_by_its_name(sandbox: SandboxProcess, tmp_path: Path) -> None:
    chunks = write_build(tmp_path, 1)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, release=ReleaseName("1.4.1", "shop"))
        given = await upload(proxy, storage, chunks, release=Release(OLD, "1.4.1", "shop"))

    assert result.release == given.release == Release(OLD, "1.4.1", "shop")
    assert len(sandbox.api("GET", "releases/").json()["results"]) == 1


async def test_a_key_that_is_refused_ends_it_before_anything_happens(sandbox: SandboxProcess, tmp_path: Path) -> None:
    before = sandbox.api("GET", "symbol_sets/").json()
    async with connected(sandbox.url, "phx_unknown") as (proxy, storage):
        for release in (NAME, None):
            with pytest.raises(UnauthorizedError):
                await upload(proxy, storage, write_build(tmp_path, 3), release=release)

    assert sandbox.api("GET", "symbol_sets/").json() == before


async def test_a_release_that_went_away_fails_each_chunk_once(sandbox: SandboxProcess, tmp_path: Path) -> None:
    gone = Release(OLD.replace("a1", "ff"), "9", "shop")
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, write_build(tmp_path, 3, first=10), release=gone)

    assert [one.code for one in result.failed] == ["invalid_release_id"] * 3
    assert sum(path.endswith("start_upload/") for path in paths(sandbox)) == 1


async def test_a_store_without_forms(tmp_path: Path) -> None:
    """If nothing was packed beforehand, a PUT is asked for after the refusal."""
    chunks = write_build(tmp_path, 3)
    for features, starts, code in (
        ({"bulk_check": False}, 2, None),
        ({"content_length": False}, 3, "storage_no_forms"),
    ):
        server = {"features": {"storage_forms": False, **features}}
        with SandboxProcess(EMPTY | {"server": server}) as sandbox:
            async with connected(sandbox.url, sandbox.key) as (proxy, storage):
                result = await upload(proxy, storage, chunks, options=Options(container=2))
            assert [one.code for one in result.chunks] == [code] * 3
            assert sum(path.endswith("start_upload/") for path in paths(sandbox)) == starts
            assert all("501" in one.reason for one in result.failed)


async def test_full_batches(sandbox: SandboxProcess, tmp_path: Path) -> None:
    chunks = write_build(tmp_path, 101, size=10, first=10)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        result = await upload(proxy, storage, chunks)

    assert set(outcomes(result).values()) == {ChunkStatus.UPLOADED}
    starts = [entry["body"] for entry in sandbox.journal() if entry["path"].endswith("start_upload/")]
    assert sorted(len(body["symbol_sets"]) for body in starts) == [1, 50, 50]  # the first are on their way at once
    assert unfinished(sandbox, chunks) == []


def test_options_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="not both"):
        ConflictRules(force=True, skip_on_conflict=True)
