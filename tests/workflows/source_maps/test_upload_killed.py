"""The server is killed at any point of an upload: the next one's same call always completes it."""

import itertools
import os
import random
import signal
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import LEFTOVER
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import decode
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import MAX_STARTED
from tests.proxy.fault_server import Received
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.stdio_process import StdioProcess, served
from tests.workflows.source_maps.builds import contents, copied, prepared
from tests.workflows.source_maps.relay import PASS, RESET, Relay
from tests.workflows.source_maps.written_builds import expected_hash, local, parts_of, stored, unfinished, write_build

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")

SEED: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}
BUILDS = ("vite", "webpack")
REQUESTS = (
    "GET symbol_sets/?limit=1",
    "GET releases/hash/",
    "GET releases/?",
    "POST releases/",
    *["POST symbol_sets/bulk_check_upload/"] * 2,
    "POST symbol_sets/bulk_start_upload/",
    *["PUT _storage/"] * 4,
    "POST symbol_sets/bulk_finish_upload/",
)
"""Of their upload, in this order; the first is sent before a file is written."""
LEFT_BY_STEP = (0, 1, 1, 2, 2, 1)
"""Files that are left of writing a bundle and its map, if it ends before the first step, the second, and so on."""
STEPS = 4 * len(LEFT_BY_STEP)
KILLER = str(Path(__file__).parent / "killed_at_a_write")
API = "/api/projects/1/error_tracking"
FINISH = "POST .*/bulk_finish_upload/"


@dataclass(frozen=True)
class Build:
    """A build in a folder, its files before and after it is prepared, and its chunks then."""

    folder: Path
    pristine: dict[str, bytes]
    injected: dict[str, bytes]
    chunks: list[Chunk]


def build_in(tmp_path: Path) -> Build:
    """Create the build in `tmp_path/dist`, and return it as it is and as it will be."""
    folder, whole = tmp_path / "dist", tmp_path / "whole"
    whole.mkdir()
    pristine = contents(folder)
    for name, content in pristine.items():
        (whole / name).parent.mkdir(parents=True, exist_ok=True)
        (whole / name).write_bytes(content)
    chunks = list[Chunk]()
    for one in prepared(whole):
        assert isinstance(one.map, LocalFile)
        assert isinstance(one.source, LocalFile)
        chunks.append(Chunk(one.chunk_id, local(one.map.path), local(one.source.path)))
    return Build(folder, pristine, contents(whole), chunks)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    copied(tmp_path / "dist", *BUILDS)
    return build_in(tmp_path)


@pytest.fixture
def relay(sandbox: SandboxProcess) -> Generator[Relay]:
    with Relay(sandbox.url) as running:
        yield running


@pytest.fixture(scope="module")
def next_server(running: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Generator[StdioProcess]:
    """One that lives, and completes what the others left."""
    with served("--root", str(tmp_path_factory.getbasetemp()), upstream=running.url, key=FULL) as server:
        server.open()
        yield server


def begin(server: StdioProcess, build: Build) -> None:
    arguments = {"folder": str(build.folder), "version": "1", "project": "shop", "release_mode": "symbol-set"}
    call = {"name": "source-maps-upload", "arguments": arguments}
    server.send({"jsonrpc": "2.0", "id": "upload", "method": "tools/call", "params": call})


def upload_until_killed(server: StdioProcess, build: Build) -> None:
    server.open()
    begin(server, build)
    assert server.process.wait(30) == -signal.SIGKILL


def finished(sandbox: SandboxProcess) -> dict[str, str]:
    """The content hashes that PostHog was told are complete, by chunk id."""
    refs = {row["id"]: row["ref"] for row in sandbox.api("GET", "symbol_sets/").json()["results"]}
    finishes = [one["body"]["content_hashes"] for one in sandbox.journal() if one["path"].endswith("finish_upload/")]
    return {refs[set_id]: content_hash for named in finishes for set_id, content_hash in named.items()}


def check_what_is_finished(sandbox: SandboxProcess, build: Build) -> int:
    """Each has the right hash and its file; returns how many."""
    hashes = finished(sandbox)
    chunks = [chunk for chunk in build.chunks if chunk.chunk_id in hashes]
    assert hashes == {chunk.chunk_id: expected_hash(chunk) for chunk in chunks}
    for chunk in chunks:
        symbols = decode(stored(sandbox, chunk.chunk_id))
        assert (symbols.source, symbols.data) == parts_of(chunk)
    return len(chunks)


def check_that_it_completes(sandbox: SandboxProcess, build: Build, server: StdioProcess) -> None:
    begin(server, build)
    result = server.receive()["result"]
    said = result["structuredContent"]
    assert not result["isError"], result
    assert (said["uploaded"] + said["unchanged"], said["failed"], said["problems"]) == (len(build.chunks), 0, [])
    assert contents(build.folder) == build.injected

    assert unfinished(sandbox, build.chunks) == []
    assert check_what_is_finished(sandbox, build) == len(build.chunks)
    rows = sandbox.api("GET", "symbol_sets/?limit=100").json()["results"]
    assert sorted(row["ref"] for row in rows) == sorted(chunk.chunk_id for chunk in build.chunks)
    assert {row["release"]["version"] for row in rows} == {"1"}
    assert len(sandbox.api("GET", "releases/").json()["results"]) == 1


def some_of(every: Iterable[Any]) -> list[Any]:
    """Ten of all moments."""
    return sorted(random.Random(20).sample(list(every), 10))


@pytest.mark.parametrize(
    ("number", "phase"), some_of(itertools.product(range(1, len(REQUESTS) + 1), ("before", "after")))
)
def test_killed_at_a_request(
    sandbox: SandboxProcess, relay: Relay, next_server: StdioProcess, build: Build, number: int, phase: str
) -> None:
    """Before it gets through, or after it did and before its answer does."""
    lock, seen, chosen = threading.Lock(), itertools.count(1), list[Received]()

    with served("--root", str(build.folder), upstream=relay.url, key=FULL) as server:

        def kill(request: Received, at: str) -> None:
            with lock:
                if at == "before" and next(seen) == number:
                    chosen.append(request)
                if at == phase and any(request is one for one in chosen):
                    server.process.send_signal(signal.SIGKILL)

        relay.watch = kill
        upload_until_killed(server, build)
    relay.settle()
    told = f"{chosen[0].method} {chosen[0].target.removeprefix(API).removeprefix('/')}"
    assert told.startswith(REQUESTS[number - 1])
    assert contents(build.folder) == (build.pristine if number == 1 else build.injected)
    check_what_is_finished(sandbox, build)
    check_that_it_completes(sandbox, build, next_server)


@pytest.mark.parametrize("step", some_of(range(STEPS)))
def test_killed_before_a_step_of_writing(
    sandbox: SandboxProcess, next_server: StdioProcess, build: Build, step: int
) -> None:
    environment = {"PYTHONPATH": KILLER, "KILLED_AT_STEP": str(step)}
    with served("--root", str(build.folder), upstream=sandbox.url, key=FULL, **environment) as server:
        upload_until_killed(server, build)

    pairs, of_pair = divmod(step, len(LEFT_BY_STEP))
    files = contents(build.folder)
    left = [name for name in files if name.endswith(LEFTOVER)]
    new = [name for name, content in build.pristine.items() if files[name] != content]
    assert (len(left), len(new)) == (LEFT_BY_STEP[of_pair], 2 * pairs + (of_pair == 5))
    assert files.keys() - left == build.pristine.keys()
    assert all(files[name] == build.injected[name] for name in new)
    assert [one["method"] for one in sandbox.journal()] == ["GET"]
    check_that_it_completes(sandbox, build, next_server)


def test_killed_with_one_batch_finished_and_another_under_way(
    sandbox: SandboxProcess, relay: Relay, next_server: StdioProcess, tmp_path: Path
) -> None:
    (tmp_path / "dist").mkdir()
    write_build(tmp_path / "dist", MAX_STARTED + 5, size=100)
    build = build_in(tmp_path)
    relay.on(FINISH, PASS, RESET)

    with served("--root", str(build.folder), upstream=relay.url, key=FULL) as server:

        def kill(request: Received, at: str) -> None:
            if request.target.endswith("/bulk_finish_upload/") and at == "after":
                server.process.send_signal(signal.SIGKILL)

        relay.watch = kill
        upload_until_killed(server, build)
    relay.settle()
    assert check_what_is_finished(sandbox, build) in (5, MAX_STARTED)
    check_that_it_completes(sandbox, build, next_server)
