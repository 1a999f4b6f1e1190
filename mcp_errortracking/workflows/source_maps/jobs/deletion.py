"""Deletion of source maps after an upload, so that they are not deployed, and of the comments that name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.workflows.files.local_file import LocalFile
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import LIMIT
from mcp_errortracking.workflows.source_maps.jobs.build import PreparedBuild
from mcp_errortracking.workflows.source_maps.maps.script import is_inline, map_url, without_map_url
from mcp_errortracking.workflows.source_maps.recorded.records import Records
from mcp_errortracking.workflows.source_maps.upload.content import ContentError, fingerprint
from mcp_errortracking.workflows.source_maps.upload.results import ChunkResult, ChunkStatus, UploadResult

_IN_POSTHOG = (ChunkStatus.UPLOADED, ChunkStatus.UNCHANGED)
_SKIPPED = ("node_modules", ".git", ".hg", ".svn", ".venv")


@dataclass(frozen=True, slots=True)
class Deletion:
    """The number of deleted maps, the bundles whose maps were kept though PostHog has them, and the changed files."""

    count: int
    kept: Sequence[str]
    changed: Sequence[str]
    notes: Sequence[str]


def delete_maps(roots: Roots, prepared: PreparedBuild, uploaded: UploadResult) -> Deletion:
    """Delete the maps beside bundles if PostHog has exactly their content; if it has all, those of style sheets too.

    The comment that names a map is removed first, and records of the file are corrected: see `Records`. Blocks.
    """
    build = prepared.build
    work = list[tuple[Path, Path]]()  # collected first: to remove a comment can change another bundle, which records it
    kept = list[str]()
    for one in uploaded.chunks:
        source, source_map = one.chunk.source, one.chunk.map
        is_in_posthog = one.status in _IN_POSTHOG or (one.status is ChunkStatus.DUPLICATE and not one.next_step)
        if not is_in_posthog or not isinstance(source, LocalFile) or not isinstance(source_map, LocalFile):
            continue
        path = source_map.path
        if path.is_relative_to(build.folder) and path not in build.shared and _is_unchanged(one):
            work.append((source.path, path))
        else:
            kept.append(one.chunk.label)
    if not kept and not prepared.problems and not uploaded.failed:
        work += [(sheet, sheet.with_name(f"{sheet.name}.map")) for sheet in _style_sheets(roots, build.folder)]
    deleted, changed = 0, dict[Path, None]()
    records = Records(roots, build.folder, keep=False, mapped=frozenset(pair.bundle for pair in build.pairs))
    for file, source_map in work:
        try:
            changed.update(dict.fromkeys(_remove_comment(roots, records, file)))
            roots.delete(source_map)
            deleted += 1
        except WorkflowError:
            kept.append(build.name(file))
    return Deletion(deleted, kept, list(map(records.name, changed)), list(records.notes()))


def _remove_comment(roots: Roots, records: Records, path: Path) -> list[Path]:
    """Remove the comment that names a file's map; return the files that were written.

    Raises:
        WorkflowError: one cannot be written, or a record of the file cannot be corrected.
    """
    content = roots.read(path, LIMIT)
    url = map_url(content)
    if url is None or is_inline(url):
        return []
    return records.write((path, without_map_url(content)))


def _style_sheets(roots: Roots, folder: Path) -> list[Path]:
    """Return the style sheets beside which a map of their name lies."""
    found = list[Path]()
    for at, folders, files in roots.walk(folder, lambda _folder, _error: None):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        names = set(files)
        found += [at / name for name in sorted(names) if name.endswith(".css") and f"{name}.map" in names]
    return found


def _is_unchanged(one: ChunkResult) -> bool:
    """True if the files of a chunk are still those that PostHog has: a bundler may have rewritten them meanwhile."""
    try:
        return fingerprint(one.chunk).content_hash == one.content_hash
    except ContentError:
        return False
