"""A build folder as the jobs take it: searched, prepared, and named as a release."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from anyio import to_thread

from mcp_errortracking.workflows.bundles import LIMIT, Build, Pair, find
from mcp_errortracking.workflows.chunk_ids import Injection, injected, map_in, with_id
from mcp_errortracking.workflows.chunks import Chunk
from mcp_errortracking.workflows.container import DataType
from mcp_errortracking.workflows.git import ask
from mcp_errortracking.workflows.preparation import Prepared, prepare
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.releases import ReleaseName
from mcp_errortracking.workflows.roots import Roots
from mcp_errortracking.workflows.workflow import Desk

if TYPE_CHECKING:
    from mcp_errortracking.workflows.tools import CheckSourceMaps, UploadSourceMaps

_KINDS = {
    "javascript": DataType.SOURCE_AND_MAP,
    "hermes": DataType.HERMES_MAP,
    "proguard": DataType.PROGUARD_MAPPING,
}
_MANIFEST = "package.json"
_LARGEST_MANIFEST = 1024 * 1024
_GIT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a job has of a build: its chunks, the files written for them (or that would be), and what is wrong."""

    build: Build
    chunks: tuple[Chunk, ...]
    written: tuple[str, ...]
    problems: tuple[Problem, ...]


async def searched(call: "UploadSourceMaps | CheckSourceMaps", desk: Desk, *, dry_run: bool) -> Found:
    """Searches the folder of a call and prepares what is there.

    Args:
        dry_run: writes nothing: the chunks then hold what would be written.

    Raises:
        WorkflowError: the folder is none, or holds nothing that could be uploaded.
    """
    roots = Roots(desk.workshop.roots)
    look = partial(find, roots, call.folder, include=call.include or (), exclude=call.exclude or ())
    build = await to_thread.run_sync(look)
    chunks, written, problems = list[Chunk](), list[str](), list(build.problems)
    total = len(build.pairs) + len(build.hermes) + len(build.proguard)
    each = prepare(roots, build, proguard_id=call.proguard_id, dry_run=dry_run)
    while (one := await to_thread.run_sync(next, each, None)) is not None:
        if isinstance(one, Problem):
            problems.append(one)
            continue
        written += one.written
        chunks.append((_as_it_would_be if dry_run and one.written else _on_disk)(roots, build, one))
        await desk.progress(len(chunks) / 2, total, f"prepared {one.path}")
    if not chunks:
        raise _nothing(call.folder, problems)
    return Found(build, tuple(chunks), tuple(written), tuple(problems))


def _as_it_would_be(roots: Roots, build: Build, one: Prepared) -> Chunk:
    """A chunk whose files are not written: its parts are made anew whenever they are read, so that none is kept."""
    path = build.folder / one.path
    if one.kind != "javascript":
        return Chunk(one.chunk_id, partial(_hermes_with_id, roots, path), None, _KINDS[one.kind], one.path)
    pair = next(pair for pair in build.pairs if pair.bundle == path)
    return Chunk(
        one.chunk_id,
        lambda: _injected(roots, pair).map,
        lambda: _injected(roots, pair).source,
        DataType.SOURCE_AND_MAP,
        one.path,
    )


def _injected(roots: Roots, pair: Pair) -> Injection:
    return injected(roots.read(pair.bundle, LIMIT), roots.read(pair.map, LIMIT) if pair.map else None)


def _hermes_with_id(roots: Roots, path: Path) -> bytes:
    return with_id(roots.read(path, LIMIT))[1]


def _on_disk(roots: Roots, build: Build, one: Prepared) -> Chunk:
    path = build.folder / one.path
    if one.kind != "javascript":
        return Chunk(one.chunk_id, path, None, _KINDS[one.kind], one.path)
    pair = next(pair for pair in build.pairs if pair.bundle == path)
    inline = partial(_inline_map, roots, path)
    return Chunk(one.chunk_id, pair.map or inline, path, DataType.SOURCE_AND_MAP, one.path)


def _inline_map(roots: Roots, bundle: Path) -> bytes:
    return map_in(roots.read(bundle, LIMIT))


def _nothing(folder: str, problems: list[Problem]) -> WorkflowError:
    if not problems:
        return WorkflowError(
            "nothing_found",
            f"{folder} holds no bundle with a source map.",
            next_step="Turn source maps on in the bundler (for example build.sourcemap in vite), and build again.",
        )
    first = problems[0]
    return WorkflowError(
        first.code,
        f"{folder} holds nothing that can be uploaded: {first.path}: {first.message}",
        f"And {len(problems) - 1} more files have problems." if len(problems) > 1 else "",
        first.next_step,
    )


def release_of(call: "UploadSourceMaps | CheckSourceMaps", desk: Desk) -> ReleaseName | None:
    """The release that a call names; its product is guessed where it is left out, and its commit where git knows it."""
    if call.version is None:
        return None
    roots = Roots(desk.workshop.roots)
    folder = roots.folder(call.folder)
    product = call.project or _package_name(roots, folder) or _checkout(roots, folder)
    git = _git(roots, folder)
    return ReleaseName(call.version, product, {"git": git} if git else None)


def _package_name(roots: Roots, folder: Path) -> str | None:
    for parent in (folder, *folder.parents):
        if not roots.holds(parent):
            return None
        if (parent / _MANIFEST).is_file():
            try:
                manifest: Any = json.loads(roots.read(parent / _MANIFEST, _LARGEST_MANIFEST))
            except (ValueError, WorkflowError):
                return None
            name = cast("dict[str, Any]", manifest).get("name") if isinstance(manifest, dict) else None
            return name if isinstance(name, str) and name else None
    return None


def _checkout(roots: Roots, folder: Path) -> str:
    """The name of the folder above the build, as far as the roots go."""
    return folder.parent.name if roots.holds(folder.parent) else folder.name


def _git(roots: Roots, folder: Path) -> dict[str, str]:
    def asked(*words: str) -> str:
        return (ask(roots, folder, *words, seconds=_GIT_SECONDS) or "").strip()

    commit, branch, url = (
        asked("rev-parse", "HEAD"),
        asked("rev-parse", "--abbrev-ref", "HEAD"),
        asked("config", "--get", "remote.origin.url"),
    )
    facts = {"commit_id": commit, "branch": "" if branch == "HEAD" else branch}
    if url:
        parts = urlsplit(url)
        if parts.hostname and (parts.username or parts.password):  # a token in a remote's address stays here
            port = f":{parts.port}" if parts.port else ""
            url = parts._replace(netloc=f"{parts.hostname}{port}").geturl()
        facts |= {"remote_url": url, "repo_name": url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")}
    return {name: fact for name, fact in facts.items() if fact}
