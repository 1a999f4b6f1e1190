"""Folders that frameworks have hosts serve as immutable: a browser or CDN never asks for a file again."""

import re
from collections.abc import Iterable
from pathlib import Path

_FOLDERS = re.compile(r"/(?:[._]next/static|_nuxt|_app/immutable|_astro)(?=/)")


def note_on_immutable(folder: Path, changed: Iterable[str]) -> str | None:
    """Return a note on changed files in such folders; None if there are none.

    Args:
        changed: names below the folder.
    """
    places = (_FOLDERS.search((folder / name).as_posix()) for name in changed)
    found = sorted({place[0].lstrip("/") for place in places if place})
    if not found:
        return None
    return (
        f"Hosts serve {' and '.join(found)} as immutable, and the changed bundles keep their names: browsers and CDNs "
        "that have a file from before keep it, without its chunk id or with an earlier release. Upload before the "
        "first deployment of each build."
    )
