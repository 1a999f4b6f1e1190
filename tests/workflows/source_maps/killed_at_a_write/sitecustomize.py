"""Loaded by a server under test that has this folder in its PYTHONPATH: it kills itself before a step of writing files.

KILLED_AT_STEP is how many are done before. A bundle and its map take six: each is made beside the old file and given
its mode (by its descriptor), then each takes the old one's place.
"""

import os
import signal
import sys
from typing import Any

_STEPS = ("open", "os.rename")

left = int(os.environ["KILLED_AT_STEP"])


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Counts the steps, of which the interpreter tells before each."""
    global left
    is_mode = event == "os.chmod" and isinstance(arguments[0], int)
    if is_mode or (event in _STEPS and str(arguments[0]).endswith(".mcp-errortracking.tmp")):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1


sys.addaudithook(watch)
