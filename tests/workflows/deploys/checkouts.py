"""Git repositories with a history, made by git."""

import os
import subprocess
from pathlib import Path

from tests.required import program

_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example", "-c", "init.defaultBranch=main")


def git(folder: Path, *arguments: str) -> str:
    """Run git and return its output."""
    ran = subprocess.run(
        [program("git"), *_IDENTITY, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def commit(folder: Path, subject: str) -> str:
    """Commit nothing, and return the id."""
    git(folder, "commit", "--quiet", "--allow-empty", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


def history(folder: Path, length: int, *, subject: str = "Change") -> list[str]:
    """Make a repository with so many commits, and return their ids, the oldest first."""
    git(folder, "init", "--quiet")
    return [commit(folder, f"{subject} {number}") for number in range(length)]
