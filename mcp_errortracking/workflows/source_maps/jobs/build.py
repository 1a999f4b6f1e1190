"""A build folder as the jobs use it: searched, prepared, and with the name of its release."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError, quoted
from mcp_errortracking.workflows.repository.budget import Budget, RepositoryError
from mcp_errortracking.workflows.repository.checkout import find_checkout
from mcp_errortracking.workflows.repository.remote import public_address
from mcp_errortracking.workflows.source_maps.bundles.discovery import Build, DeployedBundle, find
from mcp_errortracking.workflows.source_maps.bundles.immutable_folders import note_on_immutable
from mcp_errortracking.workflows.source_maps.bundles.injection import NO_MAPPINGS
from mcp_errortracking.workflows.source_maps.bundles.preparation import prepare, read_injected_line
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.debug_files.native import NO_DEBUG_INFO
from mcp_errortracking.workflows.source_maps.recorded.records import Records
from mcp_errortracking.workflows.source_maps.remote.releases import ReleaseName

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import CheckSourceMaps, UploadSourceMaps

MANY = 100
"""The most chunks that are shown one by one."""
NOTED = ("notes", "without_map", "without_bundle")
"""The fields of `PreparedBuild.as_data` that are shown as notes instead."""
_MANIFEST = "package.json"
_LARGEST_MANIFEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PreparedBuild:
    """A build, ready for upload: its chunks and its problems."""

    build: Build
    chunks: tuple[Chunk, ...]
    problems: tuple[Problem, ...]
    foreign: tuple[str, ...]
    """The bundles without a release id, because another tool put in their chunk id."""
    deployed: tuple[DeployedBundle, ...]
    """The bundles whose maps do not exist any more."""
    repaired: tuple[str, ...]
    """The files that record sizes or hashes of changed files, or are compressed copies, and were changed with them."""
    stale: tuple[str, ...]
    """The commands that compress the changed files again whose copies cannot be made here."""
    notes: tuple[str, ...]
    """Notes: which files were skipped, and more."""

    @property
    def written(self) -> tuple[str, ...]:
        """The names of all files that were written, or would be."""
        return tuple(name for chunk in self.chunks for name in chunk.written)

    def as_data(self) -> dict[str, Any]:
        """Return the problems, and the files that were skipped."""
        return {
            "problems": [problem.as_row() for problem in self.problems],
            "notes": list(self.notes),
            "without_map": list(self.build.mapless),
            "without_bundle": list(self.build.orphans),
        }


async def prepare_build(
    call: "UploadSourceMaps | CheckSourceMaps", context: Context, *, dry_run: bool, release_id: str | None = None
) -> PreparedBuild:
    """Search the folder of a call and prepare its bundles.

    Args:
        release_id: the release id to inject into the bundles.
        dry_run: write nothing; the chunks then hold the content that would be written.

    Raises:
        WorkflowError: it is not a folder.
    """
    roots = Roots(context.environment.roots)
    look = partial(find, roots, call.folder, include=call.include or (), exclude=call.exclude or ())
    build = await to_thread.run_sync(look)
    chunks, problems = list[Chunk](), list(build.problems)
    foreign, unmapped, repairs, stripped = list[str](), list[str](), list[str](), list[str]()
    total = sum(map(len, (build.pairs, build.hermes, build.proguard, build.debug_files, build.natives)))
    records = Records(roots, build.folder, keep=dry_run, mapped=frozenset(pair.bundle for pair in build.pairs))
    each = prepare(roots, build, release_id=release_id, proguard_id=call.proguard_id, dry_run=dry_run, records=records)
    while (one := await to_thread.run_sync(next, each, None)) is not None:
        if isinstance(one, Problem) and one.explanation.code == NO_MAPPINGS:
            unmapped.append(one.path)
            continue
        if isinstance(one, Problem) and one.explanation.code == NO_DEBUG_INFO:
            stripped.append(one.path)
            continue
        if isinstance(one, Problem):
            problems.append(one)
            continue
        repairs += [f"{quoted(one.label)}: {repair}" for repair in one.repairs]
        if release_id and one.kind is DataType.SOURCE_AND_MAP and one.release is None:
            foreign.append(one.label)
        chunks.append(one)
        await context.progress(min(len(chunks), total) / 2, total, f"prepared {one.label}")
    notes = [*build.notes, *repairs[:MANY]]
    if unmapped:
        notes.append(f"Skipped, because their maps map nothing: {some(unmapped)}.")
    if stripped:
        notes.append(f"Native files without debug information, so that their frames stay addresses: {some(stripped)}.")
    if build.empty:
        notes.append(f"Empty, and without a map: {some(build.empty)}. If they should not be empty, build again.")
    if build.deployed:
        names = some([one.label for one in build.deployed])
        notes.append(f"Without their maps, so that only source-maps-check can compare them with PostHog: {names}.")
    if build.mapless:
        notes.append(f"Without a source map, so that their frames stay minified: {some(build.mapless)}.")
    if build.orphans:
        owners = "an older build, to a script inside a page, or are unused"
        notes.append(f"Without a bundle, so that they belong to {owners}: {some(build.orphans)}.")
    if any(chunk.written for chunk in chunks):
        notes += records.notes()
    changed = (name for chunk in chunks for name in chunk.written)
    if immutable := note_on_immutable(build.folder, changed):
        notes.append(immutable)
    deployed = await to_thread.run_sync(_deployed_bundles, roots, build)
    return PreparedBuild(
        build,
        tuple(chunks),
        tuple(problems),
        tuple(foreign),
        deployed,
        tuple(map(records.name, records.repaired)),
        tuple(records.stale.values()),
        tuple(notes),
    )


def _deployed_bundles(roots: Roots, build: Build) -> tuple[DeployedBundle, ...]:
    """Return the bundles whose maps are gone, with the release ids in them."""
    bundles = list[DeployedBundle]()
    for one in build.deployed:
        with suppress(WorkflowError):  # it vanished since it was prepared
            line = read_injected_line(roots, one.bundle, one.chunk_id)
            bundles.append(replace(one, release=line and line.release))
    return tuple(bundles)


def some(names: Sequence[str]) -> str:
    """Return the first of several names, quoted, and the number of the others."""
    first = quoted(names[0])
    return f"{first} and {len(names) - 1} more" if len(names) > 1 else first


def nothing_found(call: "UploadSourceMaps | CheckSourceMaps", prepared: PreparedBuild) -> Outcome:
    """Return the outcome of a build without chunks: every file has a problem.

    Raises:
        WorkflowError: the build has no usable file at all.
    """
    if prepared.problems:
        data = prepared.as_data()
        notes = [*prepared.notes, f"{quoted(call.folder)} holds nothing that can be uploaded."]
        return Outcome(data, notes, failed=True, display={"problems": data["problems"]})
    skipped = " ".join(prepared.notes)
    next_step = (
        "Turn on source maps in the bundler (build.sourcemap in vite, devtool source-map in webpack), and build again."
    )
    if call.include or call.exclude:
        raise WorkflowError(
            "nothing_found",
            f"{call.folder} holds no bundle with a source map that include and exclude select.",
            skipped,
            f"Check their globs, which are relative to that folder. {next_step}",
        )
    what = f"{call.folder} holds no bundle with a usable source map."
    raise WorkflowError("nothing_found", what, skipped, next_step)


def release_of(call: "UploadSourceMaps | CheckSourceMaps", context: Context) -> ReleaseName | None:
    """Return the release that a call names, with a guessed product if it names none, and with git's commit if known."""
    if call.version is None:
        return None
    roots = Roots(context.environment.roots)
    folder = roots.folder(call.folder)
    product = call.project or _package_name(roots, folder) or _folder_name(roots, folder)
    git, build_number = _git(roots, folder), getattr(call, "build_number", None)
    metadata = {name: fact for name, fact in (("git", git), ("build", build_number)) if fact}
    return ReleaseName(call.version, product, metadata or None)


def _package_name(roots: Roots, folder: Path) -> str | None:
    """Return the name in the nearest manifest that has one: that of a build may hold only the type of its modules."""
    for parent in (folder, *folder.parents):
        if not roots.holds(parent):
            return None
        try:
            if not roots.file(parent / _MANIFEST):
                continue
            manifest: Any = json.loads(roots.read(parent / _MANIFEST, _LARGEST_MANIFEST))
        except (ValueError, WorkflowError):
            return None
        name = cast("dict[str, Any]", manifest).get("name") if isinstance(manifest, dict) else None
        if isinstance(name, str) and name:
            return name
    return None


def _folder_name(roots: Roots, folder: Path) -> str:
    """Return the name of the folder above the build, as far as the roots allow."""
    return folder.parent.name if roots.holds(folder.parent) else folder.name


def _git(roots: Roots, folder: Path) -> dict[str, str]:
    """Return the commit, branch and remote of the checkout around a build, as far as they can be read."""
    facts: dict[str, str] = {}
    with suppress(RepositoryError, OSError):
        if checkout := find_checkout(roots, folder, Budget()):
            facts["commit_id"], facts["branch"] = checkout.head()
            if url := public_address(checkout.remote_url()):
                facts |= {"remote_url": url, "repo_name": url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")}
    return {name: fact for name, fact in facts.items() if fact}
