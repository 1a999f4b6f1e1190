"""A process that is killed at any point of an upload: the next run always completes it."""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.workflows.container import decode
from tests.proxy.fault_server import Received
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.relay import Relay
from tests.workflows.written_builds import parts_of, stored, unfinished, write_build

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL and fork")

SEED: dict[str, Any] = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}
CHUNKS = 5
REQUESTS = 14
"""Of an upload in batches of three: 3 for the release, 2 to compare, 2 starts, 5 transfers, 2 finishes."""


class Uploader:
    """The process that uploads folders."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.workflows.killed_upload", url, FULL]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, folder: Path) -> int:
        assert self._process.stdin
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        return self._number()

    def ended(self) -> int:
        """The exit code; negative: the signal."""
        return self._number()

    def stop(self) -> None:
        self._process.communicate()

    def _number(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(scope="module")
def relay(sandbox: SandboxProcess) -> Generator[Relay]:
    with Relay(sandbox.url) as running:
        yield running


@pytest.fixture(scope="module")
def uploader(relay: Relay) -> Generator[Uploader]:
    running = Uploader(relay.url)
    yield running
    running.stop()


def points() -> list[tuple[int, str]]:
    """Twenty moments: before a request gets through, or after it did and before its answer does."""
    chance = random.Random(20)
    every = [(number, phase) for number in range(1, REQUESTS + 1) for phase in ("before", "after")]
    return sorted(chance.sample(every, 20))


@pytest.mark.parametrize(("number", "phase"), points())
def test_the_next_run_completes(
    sandbox: SandboxProcess, relay: Relay, uploader: Uploader, tmp_path: Path, number: int, phase: str
) -> None:
    sandbox.reset()
    chunks = write_build(tmp_path, CHUNKS)
    lock, seen, chosen = threading.Lock(), itertools.count(1), list[Received]()
    child = list[int]()

    def kill(request: Received, at: str) -> None:
        with lock:
            if at == "before" and next(seen) == number:
                chosen.append(request)
            if any(request is one for one in chosen) and at == phase and child:
                os.kill(child.pop(), signal.SIGKILL)

    relay.watch = None
    relay.hold()
    child.append(uploader.begin(tmp_path))
    relay.watch = kill
    relay.release()
    assert uploader.ended() == -signal.SIGKILL
    relay.settle()
    relay.watch = None
    left = unfinished(sandbox, chunks)
    for chunk in chunks:  # nothing is finished that is not there
        if chunk.chunk_id not in left:
            assert stored(sandbox, chunk.chunk_id)

    uploader.begin(tmp_path)
    assert uploader.ended() == 0
    assert unfinished(sandbox, chunks) == []
    rows = sandbox.api("GET", "symbol_sets/").json()["results"]
    assert sorted(row["ref"] for row in rows) == sorted(chunk.chunk_id for chunk in chunks)
    assert {row["release"]["version"] for row in rows} == {"1"}
    assert len(sandbox.api("GET", "releases/").json()["results"]) == 1
    for chunk in chunks:
        symbols = decode(stored(sandbox, chunk.chunk_id))
        assert (symbols.source, symbols.data) == parts_of(chunk)
