"""Fetching a symbol set and looking inside."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.proxy.errors import NotFoundError
from mcp_errortracking.workflows.source_maps.container import ContainerError
from mcp_errortracking.workflows.source_maps.remote.download import NoSymbolSetError, download
from mcp_errortracking.workflows.source_maps.remote.storage_errors import (
    ObjectMissingError,
    StorageError,
    TooLargeError,
)
from mcp_errortracking.workflows.source_maps.upload.session import Options, upload
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.source_maps.relay import RESET, Relay, xml
from tests.workflows.source_maps.written_builds import connected, parts_of, write_build

pytestmark = pytest.mark.anyio

BROKEN, BEGUN, CRAWLED = (f"01936f2e-7a51-7000-8000-00000000b00{number}" for number in range(3))
SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}],
    "symbol_sets": [
        {"id": BROKEN, "ref": "broken", "content": "no container", "content_hash": "h"},
        {"id": BEGUN, "ref": "begun", "state": "pending"},
        {"id": CRAWLED, "ref": "https://shop.example/a.js?b=c&d", "state": "missing"},
    ],
}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.mark.parametrize("container", [1, 2])
async def test_by_id_and_by_ref(sandbox: SandboxProcess, tmp_path: Path, container: Any) -> None:
    (chunk,) = write_build(tmp_path, 1, first=container)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        await upload(proxy, storage, [chunk], options=Options(container=container))
        found = await download(proxy, storage, ref=chunk.chunk_id)
        same = await download(proxy, storage, symbol_set_id=found.row["id"])

    assert (found.symbols.source, found.symbols.data) == parts_of(chunk)
    assert (found.symbols.version, found.row["ref"], found.row) == (container, chunk.chunk_id, same.row)
    assert same.symbols == found.symbols
    assert found.size == same.size > 0


@pytest.mark.parametrize(
    ("which", "error", "words"),
    [
        ({"ref": "broken"}, ContainerError, "not a symbol set of PostHog"),
        ({"symbol_set_id": BEGUN}, ObjectMissingError, "NoSuchKey"),
        ({"ref": "https://shop.example/a.js?b=c&d"}, NotFoundError, "Nothing to download"),
        ({"ref": "never"}, NoSymbolSetError, "no symbol set for never"),
        ({"symbol_set_id": BEGUN.replace("b001", "dead")}, NoSymbolSetError, "no symbol set 01936f2e"),
        ({"symbol_set_id": "../x"}, ValueError, "UUID"),
        ({}, ValueError, "not both"),
        ({"ref": "broken", "symbol_set_id": BROKEN}, ValueError, "not both"),
        ({"ref": "broken", "limit": 11}, TooLargeError, "larger than"),
    ],
)
async def test_refusals(sandbox: SandboxProcess, which: dict[str, Any], error: type[Exception], words: str) -> None:
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        with pytest.raises(error, match=words):
            await download(proxy, storage, **which)


async def test_a_bomb_is_not_unpacked(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (chunk,) = write_build(tmp_path, 1, first=9, size=5_000_000)
    async with connected(sandbox.url, sandbox.key) as (proxy, storage):
        await upload(proxy, storage, [chunk])
        with pytest.raises(ContainerError, match="more than 1 MiB"):
            await download(proxy, storage, ref=chunk.chunk_id, decoded_limit=1 << 20)


async def test_storage_is_asked_without_the_key_and_again_when_it_fails(sandbox: SandboxProcess) -> None:
    with Relay(sandbox.url) as relay:
        relay.on("GET /_storage", RESET, xml(503, "SlowDown"))
        async with connected(relay.url, sandbox.key) as (proxy, storage):
            with pytest.raises(ContainerError):
                await download(proxy, storage, symbol_set_id=BROKEN)
            relay.on("GET /_storage", *[xml(403, "SignatureDoesNotMatch")])
            with pytest.raises(StorageError, match="SignatureDoesNotMatch") as raised:
                await download(proxy, storage, symbol_set_id=BROKEN)
    asked = [one for one in relay.received if one.target.startswith("/_storage")]
    assert (len(asked), {tuple(one.headers) for one in asked}) == (4, {("host",)})
    assert "Signature=" not in repr(vars(raised.value)) + str(raised.value)
