"""The builds of real bundlers in fixtures/built, and what Node says of them."""

import json
import shutil
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.bundles.discovery import Build, find
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from tests.clients.node_tools import modules, node

EVERY_TIME = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
"""Of property tests: the same examples in every run, however slow the machine is."""

FIXTURES = Path(__file__).with_name("fixtures")
BUILT = FIXTURES / "built"
HERMES_ID = "4c5e7a1b-1111-4222-8333-0123456789ab"
SCRIPTS = sorted(path for path in BUILT.rglob("*") if path.suffix in (".js", ".mjs", ".cjs"))


def copied(tmp_path: Path, *names: str) -> Path:
    """A copy of some of the builds, or of all. That of Hermes has a debug id, as from a plugin of Metro."""
    for name in names or [path.name for path in BUILT.iterdir()]:
        shutil.copytree(BUILT / name, tmp_path / name)
        for path in (tmp_path / name).glob("*.jsbundle.map"):
            path.write_bytes(path.read_bytes().replace(b"{", b'{"debugId":"%s",' % HERMES_ID.encode(), 1))
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def looked_through(folder: Path, **options: Any) -> tuple[Roots, Build]:
    roots = Roots([folder])
    return roots, find(roots, folder, **options)


def prepared(folder: Path, **options: Any) -> list[Any]:
    roots, build = looked_through(folder)
    return list(prepare(roots, build, **options))


def one_prepared(folder: Path, **options: Any) -> Chunk:
    (only,) = prepared(folder, **options)
    assert isinstance(only, Chunk), only
    return only


def content_of(chunk: Chunk) -> tuple[bytes, ...]:
    """Return the bytes of a chunk's parts: its bundle, if it has one, and its map."""
    return tuple(part() if not isinstance(part, LocalFile) else _bytes(part) for part in chunk.parts)


def _bytes(part: LocalFile) -> bytes:
    with part.open() as file:
        return file.read()


def traced(maps: list[str]) -> list[list[tuple[Any, ...]]]:
    """Return every mapping as an independent decoder reads it: see trace.mjs."""
    ran = node(Path(__file__).with_name("trace.mjs"), modules(), input=json.dumps(maps))
    assert ran.returncode == 0, ran.stderr
    return [[tuple(row) for row in rows] for rows in json.loads(ran.stdout)]


def run(bundle: Path, *calls: tuple[str, list[Any]]) -> Any:
    """Return the output of a bundle: see run_bundle.mjs."""
    ran = node(Path(__file__).with_name("run_bundle.mjs"), bundle, input=json.dumps(calls))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
