"""A checkout with a history, made by git."""

import os
import subprocess
from pathlib import Path

from tests.required import program


class History:
    """A checkout whose commits are a day apart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._day = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet")

    def git(self, *arguments: str, author: str = "Ada") -> str:
        """Run git and return what it printed."""
        date = f"{1767261600 + self._day * 86400} +0000"
        ran = subprocess.run(
            [program("git"), "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "GIT_AUTHOR_NAME": author,
                "GIT_AUTHOR_EMAIL": f"{author.lower()}@acme.example",
                "GIT_COMMITTER_NAME": "Bot",
                "GIT_COMMITTER_EMAIL": "bot@acme.example",
                "GIT_AUTHOR_DATE": date,
                "GIT_COMMITTER_DATE": date,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout.strip()

    def commit(self, subject: str, files: dict[str, str] | None = None, *, author: str = "Ada") -> str:
        """Write files, commit everything and return the commit's id."""
        self._day += 1
        for name, text in (files or {}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject, author=author)
        return self.git("rev-parse", "HEAD")
