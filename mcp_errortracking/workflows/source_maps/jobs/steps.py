"""The two steps of an upload, each alone: inject chunk ids, and upload a build that has them.

A build needs them apart if something between them depends on the bundles' bytes: a signature, a package, an archive.
"""

from dataclasses import replace
from typing import Any

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.explanation import Explanation
from mcp_errortracking.workflows.problems import Problem
from mcp_errortracking.workflows.source_maps.jobs.build import MANY, NOTED, PreparedBuild
from mcp_errortracking.workflows.source_maps.remote.releases import Release


def only_injected(build: PreparedBuild) -> PreparedBuild:
    """Return a build that was prepared without writing, with a problem for each chunk that would have to be written."""
    missing = [
        Problem(
            chunk.label,
            Explanation(
                "not_injected",
                "It has no chunk id yet, or its map has none.",
                next_step="Run mcp-errortracking source-maps inject first, or source-maps upload for both steps.",
            ),
        )
        for chunk in build.chunks
        if chunk.written
    ]
    chunks = tuple(chunk for chunk in build.chunks if not chunk.written)
    return replace(build, chunks=chunks, problems=(*build.problems, *missing), repaired=(), stale=())


def injection_report(build: PreparedBuild, release: Release | None) -> Outcome:
    """Return the outcome of an injection without an upload."""
    written = list(dict.fromkeys([*build.written, *build.repaired]))
    data: dict[str, Any] = {
        "release": None if release is None else {"id": release.id, "version": release.version},
        "files_written": written,
        **build.as_data(),
        "chunks": [{"path": chunk.label, "chunk_id": chunk.chunk_id} for chunk in build.chunks],
    }
    notes = [
        *build.notes,
        "Chunk ids were injected and nothing was uploaded. Run source-maps upload-only on the same files before you "
        "deploy them.",
    ]
    shown = {name: value for name, value in data.items() if value not in ([], None) and name not in NOTED}
    if len(build.chunks) > MANY:
        shown |= {"chunks": len(build.chunks), "files_written": len(written)}
    return Outcome(data, notes, display=shown)
