"""A build in a folder, as chunks to upload, and how to look at what PostHog has of it."""

import hashlib
import json
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from mcp_errortracking.proxy import Limits, Proxy
from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from tests.sandbox_process import SandboxProcess


def write_build(folder: Path, count: int, *, size: int = 2000, first: int = 0) -> list[Chunk]:
    """Bundles and their maps, all different, of at least `size` bytes each."""
    return [write_bundle(folder, f"chunk-{number}", size=size) for number in range(first, first + count)]


def write_bundle(folder: Path, name: str, *, size: int = 2000, salt: str = "") -> Chunk:
    """One bundle and its map."""
    source, source_map = folder / f"{name}.js", folder / f"{name}.js.map"
    text = f"{name}{salt};"
    source.write_text(text * (size // len(text) + 1), "utf-8")
    content = json.dumps({"version": 3, "sources": [f"src/{name}.ts"], "sourcesContent": [salt], "mappings": "AAAA"})
    source_map.write_text(content, "utf-8")
    return Chunk(name, local(source_map), local(source), name=f"{name}.js")


def local(path: Path) -> LocalFile:
    """A file as a part of a chunk, with its folder as the root."""
    return LocalFile(Roots([path.parent]), path)


def expected_hash(chunk: Chunk) -> str:
    """A chunk's content hash, worked out from the format's description."""
    source, data = parts_of(chunk)
    head = b"posthog_error_tracking" + struct.pack("<II", 1, 2)
    body = struct.pack("<Q", len(source)) + source + struct.pack("<Q", len(data)) + data
    return hashlib.sha512(head + body).hexdigest()


def parts_of(chunk: Chunk) -> tuple[bytes, ...]:
    """The bytes of a chunk's files: source and map."""
    return tuple(part.path.read_bytes() for part in chunk.parts if isinstance(part, LocalFile))


def unfinished(sandbox: SandboxProcess, chunks: Sequence[Chunk]) -> list[str]:
    """The chunks that PostHog does not have finished with their present hash."""
    asked = [{"chunk_id": one.chunk_id, "content_hash": expected_hash(one)} for one in chunks]
    body = {"symbol_sets": asked, "force": True}
    return sandbox.api("POST", "symbol_sets/bulk_check_upload/", body).json()["chunk_ids_to_upload"]


def stored(sandbox: SandboxProcess, chunk_id: str) -> bytes:
    """Return the content in object storage for a chunk."""
    (row,) = sandbox.api("GET", f"symbol_sets/?ref={chunk_id}").json()["results"]
    url = sandbox.api("GET", f"symbol_sets/{row['id']}/download/").json()["url"]
    return sandbox.http.get(url).raise_for_status().content


@dataclass
class Pauses:
    """A sleep that takes no time and remembers what it was asked for."""

    asked: list[float] = field(default_factory=list[float])

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


@asynccontextmanager
async def connected(url: str, key: str, *, pauses: Pauses | None = None) -> AsyncGenerator[tuple[Proxy, Storage]]:
    """The real proxy and the real storage client, of one PostHog."""
    limits = Limits(backoff=0.001)
    proxy = Proxy(host=url, key=SecretStr(key), project="1", limits=limits)
    async with proxy, Storage(url, sleep=pauses or Pauses()) as storage:
        yield proxy, storage
