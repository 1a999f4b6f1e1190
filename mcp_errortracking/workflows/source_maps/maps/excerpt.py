"""Some lines of a source around one of them, by number from 1."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.maps.pieces import decode_pieces
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines

Excerpt = Mapping[int, str]
_LONGEST_LINE = 300
_LARGEST_SOURCE = 10 * 1024 * 1024


def lines_on_disk(roots: Roots, path: Path | None) -> Lines | None:
    """Return the lines of a source below the roots; None if it cannot be read."""
    if path is None:
        return None
    try:
        return Lines("".join(decode_pieces(roots.read(path, _LARGEST_SOURCE))))
    except WorkflowError:
        return None


def excerpt(lines: Sequence[str], line: int, around: int) -> dict[int, str]:
    """Return a line and those around it, each cut off after 300 characters.

    Args:
        around: the number of lines before and after.
    """
    first, last = max(1, line - around), min(len(lines), line + around)
    return {number: lines[number - 1][:_LONGEST_LINE] for number in range(first, last + 1)}


def rows_of(lines: Excerpt) -> list[dict[str, Any]]:
    """Return an excerpt as data."""
    return [{"number": number, "line": text} for number, text in lines.items()]


def shown(lines: Excerpt, line: int) -> list[str]:
    """Return an excerpt as people read it, with a mark at one line."""
    return [f"  {'>' if number == line else ' '} {number}| {text}" for number, text in lines.items()]
