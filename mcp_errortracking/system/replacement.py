"""Replacing and deleting files that another program may have open.

On Windows both fail while a watcher, an indexer or a virus scanner reads the file, which takes a moment. Elsewhere an
open file can be replaced, and a refusal stays one.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TRIES = 8
"""Attempts on Windows; the waits between them add up to 1.3 seconds."""
_FIRST_WAIT = 0.01


def replace(source: str | Path, target: str | Path, **where: Any) -> None:
    """Move a file to a name, in place of the file that has it. `where`: as for `os.replace`.

    Raises:
        OSError: as `os.replace`.
    """
    _until_released(lambda: os.replace(source, target, **where))


def delete(path: str | Path, **where: Any) -> None:
    """Delete a file. `where`: as for `os.unlink`.

    Raises:
        OSError: as `os.unlink`.
    """
    _until_released(lambda: os.unlink(path, **where))


def _until_released(act: Callable[[], None]) -> None:
    wait = _FIRST_WAIT
    for _ in range(TRIES - 1 if sys.platform == "win32" else 0):
        try:
            return act()
        except PermissionError:
            time.sleep(wait)
            wait *= 2
    return act()
