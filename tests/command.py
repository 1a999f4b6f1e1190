"""The command line, as a process."""

import os
import subprocess
import sys
from pathlib import Path


def run(*words: str, stdin: str = "", folder: Path | str | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in a folder, in an environment without our variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
    done = subprocess.run(
        [sys.executable, "-m", "mcp_errortracking", *words],
        cwd=folder,
        env=clean | {"HOME": "/nonexistent"} | environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr
