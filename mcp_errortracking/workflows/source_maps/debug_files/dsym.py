"""dSYM bundles: folders with the debug files of an app, and what PostHog takes of them.

PostHog takes each architecture of each debug file by itself, under its UUID (contract 5.1).
"""

from functools import partial
from io import BufferedReader
from pathlib import Path

from mcp_errortracking.workflows.files.errors import translate_os_errors
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.debug_files.archive import MAX_IMAGE, zipped
from mcp_errortracking.workflows.source_maps.debug_files.mach_o import MachOError, Slice, read_slices

_ENDING = ".dsym"
_DEBUG_FILES = ("Contents", "Resources", "DWARF")


def bundle_of(path: Path) -> Path | None:
    """Return the dSYM bundle that a file lies in; None for other files."""
    return next((parent for parent in path.parents if parent.name.lower().endswith(_ENDING)), None)


def is_debug_file(path: Path) -> bool:
    """True if a file of a dSYM bundle holds debug information, by its place."""
    bundle = bundle_of(path)
    return bundle is not None and path.parent == bundle.joinpath(*_DEBUG_FILES)


def chunks_of(roots: Roots, path: Path, name: str) -> list[Chunk]:
    """Return a chunk for each architecture of a debug file.

    Args:
        name: the file's name for messages.

    Raises:
        WorkflowError: it cannot be read, or is damaged.
    """
    slices = _slices(roots, path)
    for one in slices:
        if one.size > MAX_IMAGE:
            raise WorkflowError(
                "too_large",
                f"An architecture has {one.size / 2**20:.1f} MiB; the limit is {MAX_IMAGE >> 20} MiB.",
                next_step="Build with line tables only (-gline-tables-only).",
            )
    return [
        Chunk(
            one.uuid,
            partial(_packed, roots, path, one),
            kind=DataType.APPLE_DSYM,
            name=name if len(slices) == 1 else f"{name} ({one.uuid})",
        )
        for one in slices
    ]


def _slices(roots: Roots, path: Path) -> list[Slice]:
    try:
        with translate_os_errors(path, "read"), BufferedReader(roots.open(path)) as file:
            return read_slices(file)
    except MachOError as error:
        raise WorkflowError(
            "bad_debug_file",
            "PostHog cannot use this debug file.",
            str(error),
            "Build again, with DEBUG_INFORMATION_FORMAT dwarf-with-dsym, and do not strip the UUID.",
        ) from None


def _packed(roots: Roots, path: Path, one: Slice) -> bytes:
    """Return the ZIP with one architecture of a debug file."""
    if one not in _slices(roots, path):
        raise WorkflowError("changed", f"{path.name} changed during the upload.", next_step="Upload again.")
    with translate_os_errors(path, "read"), BufferedReader(roots.open(path)) as file:
        file.seek(one.offset)
        return zipped(file.read(one.size))
