"""What git knows of a checkout that lies below the roots."""

import os
import subprocess
from pathlib import Path

from mcp_errortracking.workflows.children import environment
from mcp_errortracking.workflows.roots import Roots

_QUIET = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "log.showSignature=false", "blame.ignoreRevsFile=")
"""Of what a checkout's own configuration could have git run, what the commands used here would heed."""


def ask(roots: Roots, folder: Path, *words: str, seconds: float = 5.0) -> str | None:
    """What a git command prints; None if there is no checkout below a root, no git, or it fails or takes too long."""
    given = environment(
        GIT_CEILING_DIRECTORIES=os.pathsep.join(str(root.parent) for root in roots.folders),
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        GIT_NO_LAZY_FETCH="1",
        LC_ALL="C",
    )
    command = ["git", *(word for setting in _QUIET for word in ("-c", setting)), *words]
    try:
        ran = subprocess.run(  # noqa: S603 no shell, and paths stand behind --
            command, cwd=folder, env=given, capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.decode("utf-8", "replace") if ran.returncode == 0 else None
