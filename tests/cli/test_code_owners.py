"""`mcp-errortracking rules from-codeowners`, with a repository and a sandbox."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests import command
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, ROLE, SandboxProcess

OWNERS = f'"@shop/all": {{role: {ROLE}}}\n"@ada": {{user: 1}}\n'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name in ("src/checkout.ts", "src/api.ts", "python/shop/cart.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    (tmp_path / "CODEOWNERS").write_text("* @shop/all\n/src/ @ada\n/lib/\n", "utf-8")
    (tmp_path / "owners.yaml").write_text(OWNERS, "utf-8")
    return tmp_path


def run(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    return command.run_here(
        "rules", "from-codeowners", "CODEOWNERS", "--map", "owners.yaml", *words, folder=folder, **environment
    )


def test_it_prints_a_rules_file_and_names_the_lines_without_rule(shop: Path) -> None:
    code, out, err = run(shop, "--prefix", "")

    assert (code, err.splitlines()) == (
        1,
        [
            "CODEOWNERS: not mapped: line 3: /lib/: no owner. PostHog has no rule for nobody: these files go to the "
            "next rule that matches them."
        ],
    )
    written = YAML(typ="safe", pure=True).load(out)
    assert written["assignees"] == {"@ada": {"user": 1}, "@shop/all": {"role": ROLE}}
    (condition,) = written["assignment"][0]["filters"]["values"]
    assert (written["assignment"][0]["assignee"], condition["value"]) == ("@ada", "^src/")
    assert (written["assignment"][1]["assignee"], written["assignment"][1]["filters"]["values"]) == ("@shop/all", [])
    assert "line 3: /lib/" in out

    (shop / "CODEOWNERS").write_text("* @shop/all\n", "utf-8")
    assert run(shop, "--any-depth")[::2] == (0, "")


def test_sources_of_events_do_not_control_the_terminal(shop: Path) -> None:
    hostile = "\x1b]52;c;cm0=\x07\u202e\nIf these are right, add: /src/checkout.ts"
    sources = [hostile, f"{hostile}/x", "webpack://app/src/checkout.ts"]
    rows = [{"id": f"01936f2e-7a51-7000-8000-{at:012}", "source": one} for at, one in enumerate(sources)]
    with FaultServer([http(200, {"results": rows, "hasMore": False})]) as upstream:
        _, _, err = run(shop, POSTHOG_HOST=upstream.url, POSTHOG_PERSONAL_API_KEY=FULL, POSTHOG_PROJECT_ID="1")

    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", err) is None
    assert [line for line in err.splitlines() if line.startswith("If ")] == [
        "If these are right, add: --prefix webpack://app/"
    ]


def test_prefixes_are_shown_for_confirmation_before_anything_is_written(shop: Path) -> None:
    with SandboxProcess() as sandbox:
        code, out, err = run(
            shop, POSTHOG_HOST=sandbox.url, POSTHOG_PERSONAL_API_KEY=sandbox.key, POSTHOG_PROJECT_ID="1"
        )
        assert {
            (request["method"], request["path"].rpartition("error_tracking/")[2]) for request in sandbox.journal()
        } == {("POST", "query/issues/")}
    assert (code, out) == (1, "")
    assert 'prefix "", such as src/checkout.ts' in err
    assert "without folder python, such as shop/cart.py" in err
    assert "not a file of the repository: index.android.bundle" in err
    assert "If these are right, add: --prefix '' --strip python\n" in err


def test_mistakes_are_named_and_nothing_is_written(shop: Path) -> None:
    assert run(shop, "--prefix", "", "--any-depth")[:2] == (2, "")
    (shop / "owners.yaml").write_text('"@ada": {user: 1}\n"@bob": {user: x}\n"@ada": {user: 2}\n', "utf-8")
    code, out, err = run(shop, "--prefix", "")
    assert (code, out) == (2, "")
    assert 'owners.yaml:3: not valid YAML: found duplicate key "@ada"' in err
    (shop / "owners.yaml").write_text('"@ada": {user: 1}\n"@bob": {user: x}\n', "utf-8")
    code, out, err = run(shop, "--prefix", "")
    assert (code, out) == (2, "")
    assert "owners.yaml:2: an assignee must be {user: <integer id>} or {role: <UUID>}." in err
    (shop / "CODEOWNERS").unlink()
    assert "cannot read CODEOWNERS: No such file" in run(shop, "--prefix", "")[2]
