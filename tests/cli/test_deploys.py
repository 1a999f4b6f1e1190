"""`mcp-errortracking deploy-report` on sandboxes: its text, and the exit code of each verdict."""

import json
from pathlib import Path

from tests import command
from tests.sandbox_process import SandboxProcess
from tests.workflows.deploys.checkouts import history
from tests.workflows.deploys.shop import KEY, NOW, Project


def run(sandbox: SandboxProcess, folder: Path, *words: str) -> tuple[int, str, str]:
    return command.run_here(
        "deploy-report",
        *words,
        folder=folder,
        POSTHOG_HOST=sandbox.url,
        POSTHOG_PERSONAL_API_KEY=KEY,
        POSTHOG_PROJECT_ID="1",
    )


def test_a_regression_fails_and_names_the_commits_of_the_current_folder(tmp_path: Path) -> None:
    project = Project()
    project.issue("Boom", 6, first_seen=NOW)
    ids = history(tmp_path, 3)
    for release, commit in zip(project.seed["releases"], ids[::2], strict=True):
        release["metadata"]["git"]["commit_id"] = commit
    with SandboxProcess(project.seed) as sandbox:
        code, out, err = run(sandbox, tmp_path)
        as_json = run(sandbox, tmp_path, ids[2][:7], "--json")
        before = run(sandbox, tmp_path, "1.4.1")

    assert (code, err) == (2, "")
    assert out.startswith("verdict: regression: 1 new issue with 5 or more affected users.\n")
    assert f"  {ids[2][:8]} Ada: Change 2\n  {ids[1][:8]} Ada: Change 1\n" in out
    assert as_json[0] == 2
    assert [one["id"] for one in json.loads(as_json[1])["commits"]] == [ids[2], ids[1]]
    assert (before[0], "No release of this product came before" in before[1]) == (2, True)


def test_too_little_data_fails_only_if_asked_to(tmp_path: Path) -> None:
    with SandboxProcess(Project().seed) as sandbox:
        codes = [run(sandbox, tmp_path, *words)[0] for words in ((), ("--fail-on", "any"))]

    assert codes == [0, 3]


def test_no_regression_passes_and_times_are_compared_without_a_release(tmp_path: Path) -> None:
    project = Project()
    project.issue("Same", 30, 30)
    with SandboxProcess(project.seed) as sandbox:
        code, out, _ = run(sandbox, tmp_path, "--fail-on", "any")
        sandbox.empty_journal()
        last = run(sandbox, tmp_path, "--from", "12h", "--compare-from", "36h", "--compare-to", "24h", "--json")
        paths = {request["path"].rpartition("error_tracking/")[2] for request in sandbox.journal()}

    assert (code, out.splitlines()[0][:28]) == (0, "verdict: no regression found")
    assert last[0] == 0
    assert [one["users"] for one in json.loads(last[1])["totals"]] == [30, 30]
    assert paths == {"query/issues/", "issues/activity/"}


def test_without_a_report_the_exit_code_is_another_one(tmp_path: Path) -> None:
    with SandboxProcess(Project().seed) as sandbox:
        unknown = run(sandbox, tmp_path, "1.4.3")
        empty = run(sandbox, tmp_path, "")
        blank = run(sandbox, tmp_path, "--from", " ")
        both = run(sandbox, tmp_path, "1.4.2", "--from", "12h")
        word = run(sandbox, tmp_path, "--compare-from", "yesterday", "--from", "12h")
        assert len(sandbox.journal()) == 1

    assert (unknown[0], unknown[1]) == (1, "")
    assert 'mcp-errortracking: No release has the version, hash_id, commit or branch "1.4.3".' in unknown[2]
    assert empty == (1, "", "mcp-errortracking: RELEASE is empty: check that its variable is set.\n")
    assert blank == (1, "", "mcp-errortracking: --from is empty: check that its variable is set.\n")
    assert (both[0], "give release or --from/--to, not both" in both[2]) == (1, True)
    assert "Example" not in both[2]
    assert "\n- --compare-from: expected a date like -24h" in word[2]
    assert word[2].endswith(', got the string "yesterday"; did you mean -1dStart?\n')
    assert command.run_here("deploy-report", folder=tmp_path)[0] == 1
