"""The CI examples of docs/rules-as-code.md, their commands run by the shell with a sandbox."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mcp_errortracking.workflows.rules_file.document import read_rules
from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml
from tests.sandbox_process import SandboxProcess

PAGE = (Path(__file__).parents[2] / "docs" / "rules-as-code.md").read_text("utf-8")
FILE, GITHUB, GITLAB = (
    next(block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if mark in block)
    for mark in ("version: 1", "runs-on:", "before_script:")
)


def yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def github_jobs() -> list[list[str]]:
    """The commands for a pull request and for a push."""
    steps = yaml(GITHUB)["jobs"]["rules"]["steps"]
    review = [step["run"] for step in steps if "run" in step and "if" not in step]
    return [review, [step["run"] for step in steps if "run" in step]]


def gitlab_jobs() -> list[list[str]]:
    jobs = yaml(GITLAB)
    return [[*jobs["default"]["before_script"], *jobs[name]["script"]] for name in ("plan", "apply")]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("jobs", "review"),
    [
        pytest.param(github_jobs(), 0, id="github"),
        pytest.param(gitlab_jobs(), 2, id="gitlab"),
    ],
)
def test_a_review_changes_nothing_and_the_main_branch_applies(
    jobs: list[list[str]], review: int, tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(FILE, "utf-8")
    with SandboxProcess() as sandbox:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "POSTHOG_HOST": sandbox.url,
            "POSTHOG_PERSONAL_API_KEY": sandbox.key,
            "POSTHOG_PROJECT_ID": "1",
        }

        def run(commands: list[str]) -> int:
            assert commands[0] == 'pip install "mcp_errortracking[rules]"'
            script = "\n".join(["set -eo pipefail", *commands[1:]])
            return subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, check=False).returncode

        before = sandbox.api("GET", "assignment_rules/").json()["results"]
        assert run(jobs[0]) == review
        assert sandbox.api("GET", "assignment_rules/").json()["results"] == before
        assert run(jobs[1]) == 0
        after = sandbox.api("GET", "assignment_rules/").json()["results"]
        assert [rule["id"] for rule in after][2:] == [rule["id"] for rule in before]
        assert after[0]["filters"]["values"][0]["value"] == "^src/checkout/"
        assert run(jobs[1]) == 0  # nothing to do
        assert len(sandbox.api("GET", "assignment_rules/").json()["results"]) == len(after)


def test_the_example_of_a_file_is_one() -> None:
    assert sorted(read_rules(read_yaml(FILE.encode(), "f")).rules) == ["assignment", "suppression"]
    assert yaml(GITLAB)["plan"]["allow_failure"] == {"exit_codes": 2}
