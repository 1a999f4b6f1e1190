"""docs/windows.md and the workflow for Windows and macOS name commands, tests and folders that exist."""

import re
import shlex
from pathlib import Path

import yaml

from mcp_errortracking.cli.main import parse

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "windows.md").read_text("utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "systems.yml").read_text("utf-8")


def understood(line: str) -> bool:
    """True if a line runs one of our commands, which the parser accepts."""
    _, found, words = line.rpartition("mcp-errortracking ")
    if not found or "$" in line or words == "--version":
        return False
    parse(shlex.split(words.replace("\\", "/")))
    return True


def test_the_tests_that_are_named_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)

    assert len(named) > 8
    for file, test in named:
        text = (ROOT / file).read_text("utf-8")
        assert not test or f"def {test}(" in text, f"{file}::{test}"


def test_the_workflow_runs_what_exists_on_both_systems() -> None:
    job = yaml.safe_load(WORKFLOW)["jobs"]["test"]
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    lines = [line for script in scripts for line in script.splitlines()]
    tests = re.findall(r"(?<!\S)tests/[\w/.]+", " ".join(scripts))

    assert job["strategy"]["matrix"]["system"] == ["windows-latest", "macos-latest"]
    assert len(tests) > 3
    assert [path for path in tests if not (ROOT / path).exists()] == []
    assert [understood(line) for line in lines].count(True) == 2
