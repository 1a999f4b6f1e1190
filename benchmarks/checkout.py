"""A checkout of the app that the errors of the sandbox come from, made by git, and a seed that names its commits.

Dates and authors are fixed, so that the ids of the commits are the same each time.
"""

import json
import os
import subprocess
from pathlib import Path

import mcp_errortracking.sandbox

_SEED = Path(mcp_errortracking.sandbox.__file__).with_name("default_seed.json")
_FIRST_DAY = 1_780_000_000
_LINES = {"src/checkout.ts": 12, "src/cart.ts": 64, "src/App.tsx": 31}
"""The files of the frames of the most frequent error, with their lines."""
_OWNERS = "* @acme/web\n/src/checkout.ts @acme/payments\n"
_AUTHORS = {"Grace": "grace@acme.example", "Ada": "ada@acme.example"}


def make(folder: Path) -> Path:
    """Make the checkout, and return a file with the sandbox's seed whose releases of the web app name its commits."""
    files = {name: "".join(f"// line {number}\n" for number in range(1, 81)) for name in _LINES}
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    before = _commit(folder, 0, "Ada", "Sell hats", {**files, "CODEOWNERS": _OWNERS})
    changes = [
        ("Grace", "Take offers of partners", "src/checkout.ts", 12),
        ("Ada", "Round totals", "src/cart.ts", 20),
        ("Ada", "Explain the build", "README.md", 0),
    ]
    after = before
    for day, (author, subject, name, line) in enumerate(changes, 1):
        lines = files.get(name, "").splitlines(keepends=True)
        lines[max(line - 1, 0) : line] = [f"// {subject}\n"]
        after = _commit(folder, day, author, subject, {name: "".join(lines)})
    seed = json.loads(_SEED.read_text("utf-8"))
    commits = {"1.4.2": before, "1.5.0": after}
    for release in seed["releases"]:
        if release["version"] in commits:
            release["metadata"]["git"]["commit_id"] = commits[release["version"]]
    file = folder.with_suffix(".seed.json")
    file.write_text(json.dumps(seed), "utf-8")
    return file


def _commit(folder: Path, day: int, author: str, subject: str, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    _git(folder, "add", "--all")
    date = f"{_FIRST_DAY + day * 86_400} +0000"
    names = {"NAME": author, "EMAIL": _AUTHORS[author], "DATE": date}
    written = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in names.items()}
    _git(folder, "commit", "--quiet", "--message", subject, **written)
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *words: str, **variables: str) -> str:
    ran = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()
