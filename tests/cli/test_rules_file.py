"""`mcp-errortracking rules export`, `plan`, `apply` and `lint`, with a sandbox, as a CI job runs them."""

import json
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import command
from tests.sandbox_process import ROLE, SandboxProcess

KINDS = ("suppression", "grouping", "assignment", "severity", "bypass")
NEW = """\
version: 1
assignees:
  ada: {user: 1}
  payments: {role: 01936f2e-7a51-7000-8000-0000000000f1}
suppression: []
grouping:
  - name: chunks   # one issue
    description: all of them
    filters: {type: AND, values: [{key: $exception_types, operator: exact, value: ChunkLoadError}]}
assignment:
  - {name: checkout, assignee: payments, filters: {type: AND, values: [
      {key: $exception_sources, operator: regex, value: ^src/checkout}]}}
  - name: rest
    assignee: ada
    filters: {type: AND, values: []}
"""


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(autouse=True)
def empty(sandbox: SandboxProcess) -> None:
    sandbox.reset()


def settings(sandbox: SandboxProcess) -> dict[str, str]:
    return {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": sandbox.key, "POSTHOG_PROJECT_ID": "1"}


def run(sandbox: SandboxProcess, folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    return command.run_here("rules", *words, folder=folder, **settings(sandbox) | environment)


def writes(sandbox: SandboxProcess) -> list[str]:
    """The writing requests that the sandbox got."""
    return [
        f"{request['method']} {request['path'].rpartition('error_tracking/')[2]}"
        for request in sandbox.journal()
        if request["method"] != "GET" and "/query/" not in request["path"]
    ]


def rules(sandbox: SandboxProcess, kind: str) -> list[dict[str, Any]]:
    return sandbox.api("GET", f"{kind}_rules/").json()["results"]


def export(sandbox: SandboxProcess, folder: Path) -> Any:
    """Export to rules.yaml; return its data."""
    code, out, err = run(sandbox, folder, "export")
    assert (code, err) == (0, "")
    (folder / "rules.yaml").write_text(out, "utf-8")
    return YAML(typ="safe", pure=True).load(out)


def edit(folder: Path, old: str, new: str) -> None:
    """Replace a text that is in rules.yaml once."""
    text = (folder / "rules.yaml").read_text("utf-8")
    assert text.count(old) == 1
    (folder / "rules.yaml").write_text(text.replace(old, new), "utf-8")


def test_export_plan_and_apply_of_a_project_change_nothing(sandbox: SandboxProcess, tmp_path: Path) -> None:
    before = {kind: rules(sandbox, kind) for kind in KINDS}
    exported = export(sandbox, tmp_path)

    assert {kind: [rule["id"] for rule in exported[kind]] for kind in KINDS} == {
        kind: [rule["id"] for rule in before[kind]] for kind in KINDS
    }
    assert exported["assignees"][exported["assignment"][1]["assignee"]] == {"role": ROLE}
    assert (
        "# PostHog disabled this rule: Rust's regex engine refuses a pattern." in (tmp_path / "rules.yaml").read_text()
    )
    code, out, err = run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json", "--delete")
    assert (code, out, err) == (0, "No changes: PostHog has the rules of the file.\n", "")
    code, out, err = run(sandbox, tmp_path, "apply", "plan.json")
    assert (code, out, err) == (0, "0 of 0 changes were made. All rules were read back and are as planned.\n", "")
    assert writes(sandbox) == []
    assert {kind: rules(sandbox, kind) for kind in KINDS} == before


def test_a_new_file_is_applied_in_order_and_gets_its_ids(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(NEW, "utf-8")
    severities = rules(sandbox, "severity")
    code, out, err = run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json", "--delete")
    assert code == 2
    assert err == ""
    effects = out.partition("Simulated on the exceptions of the last 7 days:\n")[2].splitlines()
    assert sorted(line.split()[0] for line in effects) == ["assignment", "assignment", "grouping"]
    assert all(
        re.search(r'": [\d,]+ of [\d,]+ \((exact: counted by PostHog in HogQL|sampled: .*)\), \d+ of \d+ issues', line)
        for line in effects
    )
    assert '+ create "checkout"\n      assignee: payments (role ' in out
    assert "Plan: 3 to create, 0 to update, 2 to reorder, 8 to delete.\n" in out

    code, out, err = run(sandbox, tmp_path, "apply", "plan.json", "--delete")
    assert (code, err) == (0, "")
    assert "All rules were read back and are as planned." in out
    held = rules(sandbox, "assignment")
    assert [(rule["order_key"], rule["assignee"]) for rule in held] == [
        (0, {"type": "role", "id": ROLE}),
        (1, {"type": "user", "id": 1}),
    ]
    assert held[0]["filters"]["values"] == [
        {"key": "$exception_sources", "type": "event", "operator": "regex", "value": "^src/checkout"}
    ]
    assert held[1]["filters"] == {"type": "AND", "values": []}
    assert rules(sandbox, "suppression") == []
    assert rules(sandbox, "severity") == severities  # not in the file, so not managed by it

    text = (tmp_path / "rules.yaml").read_text("utf-8")
    ids = [rules(sandbox, "grouping")[0]["id"], *(rule["id"] for rule in held)]
    assert re.findall(r"\bid: ([0-9a-f-]{36})", text) == ids
    assert re.sub(r"id: [0-9a-f-]{36}(, |\n {4})", "", text) == NEW
    assert run(sandbox, tmp_path, "plan", "rules.yaml", "--delete")[0] == 0


def test_a_renamed_or_moved_rule_is_neither_deleted_nor_created(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(NEW, "utf-8")
    run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json", "--delete")
    assert run(sandbox, tmp_path, "apply", "plan.json", "--delete", "--no-ids")[0] == 0
    assert (tmp_path / "rules.yaml").read_text("utf-8") == NEW

    edit(tmp_path, "name: rest", "name: everything else")
    assert run(sandbox, tmp_path, "plan", "rules.yaml", "--delete")[0] == 0  # found by its filters
    edit(tmp_path, "assignee: ada", "assignee: payments")
    code, out, _ = run(sandbox, tmp_path, "plan", "rules.yaml", "--delete", "--no-simulate")
    assert (code, out.splitlines()[-1]) == (2, "Plan: 0 to create, 1 to update, 0 to reorder, 0 to delete.")
    assert f"      assignee: ada (user 1)\n        -> payments (role {ROLE})\n" in out


def test_without_delete_other_rules_stay_and_come_last(sandbox: SandboxProcess, tmp_path: Path) -> None:
    before = [rule["id"] for rule in rules(sandbox, "assignment")]
    (tmp_path / "rules.yaml").write_text(NEW, "utf-8")
    code, out, _ = run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json")
    assert code == 2
    assert "0 to delete" in out
    assert "= not in the file, stays: $exception_sources icontains" in out
    assert run(sandbox, tmp_path, "apply", "plan.json")[0] == 0

    held = rules(sandbox, "assignment")
    assert [rule["id"] for rule in held][2:] == before
    assert [rule["order_key"] for rule in held] == [0, 1, 2, 3, 4, 5]
    assert not any(request.startswith("DELETE") for request in writes(sandbox))


def test_an_update_changes_one_rule_and_enables_it(sandbox: SandboxProcess, tmp_path: Path) -> None:
    export(sandbox, tmp_path)
    edit(tmp_path, "value: (?i)connection (refused|reset}", "value: (?i)connection (refused|reset)}")
    code, out, _ = run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json")
    assert (code, "PostHog disabled this rule; the update enables it." in out) == (2, True)
    assert run(sandbox, tmp_path, "apply", "plan.json")[0] == 0

    changed = rules(sandbox, "assignment")[2]
    assert (changed["disabled_data"], changed["filters"]["values"][0]["value"]) == (
        None,
        "(?i)connection (refused|reset)",
    )
    assert writes(sandbox) == [f"PATCH assignment_rules/{changed['id']}/"]


def test_a_plan_that_deletes_needs_the_option(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("version: 1\nbypass: []\n", "utf-8")
    assert run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json", "--delete")[0] == 2
    code, out, err = run(sandbox, tmp_path, "apply", "plan.json")
    assert (code, out) == (1, "")
    assert "The plan deletes 2 rules, and nothing was sent. To carry it out, add --delete." in err
    assert writes(sandbox) == []
    assert run(sandbox, tmp_path, "apply", "plan.json", "--delete")[0] == 0
    assert rules(sandbox, "bypass") == []
    assert len(rules(sandbox, "assignment")) == 4


@pytest.mark.parametrize("change", ["create", "update", "delete", "reorder"])
def test_a_plan_is_refused_if_posthog_changed_since(sandbox: SandboxProcess, tmp_path: Path, change: str) -> None:
    export(sandbox, tmp_path)
    edit(tmp_path, "severity: high", "severity: low")
    assert run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json")[0] == 2
    rule = rules(sandbox, "severity")[1]
    body = {"filters": {"type": "AND", "values": []}, "severity": "low"}
    requests = {
        "create": ("POST", "severity_rules/", body),
        "update": ("PUT", f"severity_rules/{rule['id']}/", body),
        "delete": ("DELETE", f"severity_rules/{rule['id']}/", None),
        "reorder": ("PATCH", "severity_rules/reorder/", {"orders": {rule["id"]: 9}}),
    }
    sandbox.api(*requests[change]).raise_for_status()
    sandbox.empty_journal()

    code, out, err = run(sandbox, tmp_path, "apply", "plan.json")
    assert (code, out) == (1, "")
    assert "PostHog changed since the plan was made, and nothing was sent:\n  severity rule " in err
    verb = {"create": "added", "update": "changed", "delete": "deleted", "reorder": "moved"}[change]
    assert f" was {verb}.\nMake a new plan" in err
    assert writes(sandbox) == []


def test_a_plan_edited_by_hand_is_refused(sandbox: SandboxProcess, tmp_path: Path) -> None:
    export(sandbox, tmp_path)
    edit(tmp_path, "severity: high", "severity: low")
    run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json")
    text = (tmp_path / "plan.json").read_text("utf-8")
    (tmp_path / "plan.json").write_text(text.replace('"severity": "low"', '"severity": "medium"'), "utf-8")
    sandbox.empty_journal()

    code, out, err = run(sandbox, tmp_path, "apply", "plan.json")
    assert (code, out) == (1, "")
    assert "This plan was edited after it was made, and nothing was sent." in err
    (tmp_path / "plan.json").write_text("[]", "utf-8")
    assert "This is not a plan." in run(sandbox, tmp_path, "apply", "plan.json")[2]
    assert sandbox.journal() == []


def test_a_plan_of_another_project_is_refused(sandbox: SandboxProcess, tmp_path: Path) -> None:
    export(sandbox, tmp_path)
    run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json")
    sandbox.empty_journal()
    code, _, err = run(sandbox, tmp_path, "apply", "plan.json", POSTHOG_PROJECT_ID="2")
    assert (code, "The plan is for project 1 of" in err, sandbox.journal()) == (1, True, [])


def test_apply_goes_on_where_a_failure_stopped_it(sandbox: SandboxProcess, tmp_path: Path) -> None:
    text = NEW.replace("assignees:\n", "assignees:\n  gone: {user: 4711}\n").replace("assignee: ada", "assignee: gone")
    (tmp_path / "rules.yaml").write_text(text, "utf-8")
    assert run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json")[0] == 2
    code, out, err = run(sandbox, tmp_path, "apply", "plan.json")
    assert code == 1
    assert 'assignment: created "checkout"' in out
    assert "error-tracking-assignment-rules-create: " in err
    assert "Run the same command again: it goes on where it stopped." in err
    made = len(writes(sandbox))
    assert run(sandbox, tmp_path, "apply", "plan.json")[0] == 1
    assert writes(sandbox)[made:] == ["POST assignment_rules/"]  # what was done is not done again


def test_a_killed_apply_goes_on(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(NEW, "utf-8")
    run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json", "--delete")
    with subprocess.Popen(
        [sys.executable, "-m", "mcp_errortracking", "rules", "apply", "plan.json", "--delete"],
        cwd=tmp_path,
        env={**command._clean(), **settings(sandbox)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the first change is made
        process.kill()
    code, out, err = run(sandbox, tmp_path, "apply", "plan.json", "--delete")
    assert (code, err) == (0, "")
    assert " were done before. All rules were read back and are as planned." in out

    created = [request for request in writes(sandbox) if request.startswith("POST")]
    assert sorted(created) == ["POST assignment_rules/", "POST assignment_rules/", "POST grouping_rules/"]
    assert [len(rules(sandbox, kind)) for kind in KINDS] == [0, 1, 2, 2, 2]


def test_errors_of_plan_are_1_because_2_means_changes(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("version: 1\nassigment: []\n", "utf-8")
    code, out, err = run(sandbox, tmp_path, "plan", "rules.yaml")
    assert (code, out) == (1, "")
    assert 'rules.yaml:2: unknown key "assigment"' in err
    for words in (("plan",), ("plan", "rules.yaml", "--wrong"), ("plan", "missing.yaml")):
        assert run(sandbox, tmp_path, *words)[:2] == (1, "")
    (tmp_path / "rules.yaml").write_text("version: 1\n", "utf-8")
    assert run(sandbox, tmp_path, "plan", "rules.yaml", POSTHOG_HOST="x")[0] == 1
    assert run(sandbox, tmp_path, "plan", "rules.yaml", POSTHOG_PERSONAL_API_KEY="phx_wrong_key_of_nobody")[0] == 0
    (tmp_path / "rules.yaml").write_text("version: 1\nbypass: []\n", "utf-8")
    assert run(sandbox, tmp_path, "plan", "rules.yaml", POSTHOG_PERSONAL_API_KEY="phx_wrong_key_of_nobody")[0] == 1
    assert writes(sandbox) == []


def test_the_description_of_a_grouping_rule_cannot_be_changed(sandbox: SandboxProcess, tmp_path: Path) -> None:
    export(sandbox, tmp_path)
    edit(tmp_path, "description: All failed chunks are one issue", "description: Chunks")
    code, out, err = run(sandbox, tmp_path, "plan", "rules.yaml")
    assert (code, out) == (1, "")
    assert "PostHog never changes the description of a grouping rule" in err


def test_lint_names_the_line_of_each_finding(sandbox: SandboxProcess, tmp_path: Path) -> None:
    text = NEW.replace("values: []}", "values: [{key: age, operator: gt, value: 5}]}")
    (tmp_path / "rules.yaml").write_text(text.replace("^src/checkout", "'(?=x)'"), "utf-8")
    code, out, _ = command.run_here("rules", "lint", "rules.yaml", folder=tmp_path)
    assert code == 1
    assert 'error: rules.yaml:12: assignment rule "checkout": filters.values[0]: ' in out
    assert 'error: rules.yaml:15: assignment rule "rest": filters.values[0]: ' in out
    assert out.endswith("3 rules checked, 2 errors, 0 warnings.\n")
    (tmp_path / "rules.yaml").write_text(NEW, "utf-8")
    assert command.run_here("rules", "lint", "rules.yaml", folder=tmp_path)[0] == 0


def test_the_plan_is_json_without_the_key(sandbox: SandboxProcess, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(NEW, "utf-8")
    run(sandbox, tmp_path, "plan", "rules.yaml", "--out", "plan.json")
    text = (tmp_path / "plan.json").read_text("utf-8")
    assert sorted(json.loads(text)) == ["hash", "plan", "version"]
    assert sandbox.key not in text
