"""The file of a checkout that a frame's path means, found by the longest common end of the two paths."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.workflows.source_maps.maps.source_paths import is_code

Parts = tuple[str, ...]
SKIPPED = ("node_modules", "__pycache__", "site-packages", "bower_components")
"""Folders of code that is not the app's own."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Match:
    """The file, or the reason why there is none. `common`: folders and name that the two paths share at their ends.

    `note`: what a reader must know of the way it was matched; "" if all of one path is the end of the other. `among`:
    the files that fit equally well, if there are several.
    """

    file: Parts | None
    common: int = 0
    note: str = ""
    among: tuple[Parts, ...] = ()


def match(path: str, files: Iterable[Parts]) -> Match:
    """Return the file of a frame.

    Args:
        files: paths in the checkout; those with another name than the frame's never match.
    """
    wanted = tuple(part for part in path.split("/") if part not in ("", ".", ".."))
    lengths = {file: _common(wanted, file) for file in files if is_readable(file)}
    best = max(lengths.values(), default=0)
    if not wanted or not best:
        return Match(None, note="no such file in the checkout")
    found = sorted(file for file, length in lengths.items() if length == best)
    whole = [file for file in found if len(file) == best]
    if len(found) > 1 and len(whole) != 1:
        names = ", ".join("/".join(file) for file in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return Match(None, best, f"ambiguous: {names}{more}", tuple(found))
    file = (whole or found)[0]
    if best in (len(wanted), len(file)):
        return Match(file, best)
    return Match(file, best, f"matched by its last {best} parts alone" if best > 1 else "matched by its name alone")


def is_readable(file: Parts) -> bool:
    """True if lines of a file may be shown: it is code, in no hidden folder, and frames can name it."""
    return is_code(Path(*file)) and not any(part.startswith(".") for part in file) and all(map(is_text, file))


def is_text(name: str) -> bool:
    """True if the name of a local file is UTF-8: others are in no event, and cannot be sent."""
    return name.isascii() or not any("\ud800" <= one <= "\udfff" for one in name)


def _common(wanted: Parts, file: Parts) -> int:
    length = 0
    for one, other in zip(reversed(wanted), reversed(file), strict=False):
        if one != other:
            break
        length += 1
    return length
