"""The documentation is true: what is generated is fresh, what can be run runs, what is quoted exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_errortracking import __version__
from mcp_errortracking.catalog import CATALOG, TOOLSETS
from mcp_errortracking.clients.entry import Entry
from mcp_errortracking.clients.table import BY_NAME
from mcp_errortracking.config import VARIABLES
from mcp_errortracking.demo.tour import container
from mcp_errortracking.sandbox.features import AGES
from mcp_errortracking.server.calls import _LACKING
from tests.sandbox_process import SandboxProcess
from tools import since
from tools.reference import WRITTEN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SANDBOX = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
SOURCE_MAPS = (ROOT / "docs" / "source-maps.md").read_text("utf-8")
SELF_HOSTING = (ROOT / "docs" / "self-hosting.md").read_text("utf-8")


def marked(page: str, name: str) -> str:
    """The code block that follows `<!-- test: name -->`."""
    found = re.search(rf"<!-- test: {name} -->\n```\w+\n(.*?)```", page, re.DOTALL)
    assert found, f"there is no block marked {name}"
    return found[1]


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.name)
def test_generated_files_are_fresh(file: Path) -> None:
    text = file.read_text("utf-8")

    assert WRITTEN[file](text) == text, "make generate"


def test_make_generate_runs_every_generator() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = "\n".join(
        makefile.partition(f"\n{target}\n")[2].partition("\n\n")[0]
        for target in ("reference: install", "generate: reference")
    )
    shown = re.findall(r"^\t\$\(BIN\)/python -m ([\w.]+)$|; \$\(BIN\)/python -m ([\w.]+) --write", recipe, re.MULTILINE)

    assert [module for pair in shown for module in pair if module] == [
        "mcp_errortracking.server.tools",
        "mcp_errortracking.server.ready_file",
        "tools.reference",
        "tests.faults.report",
        "tests.hostile.report",
        "benchmarks.tokens",
    ]


def test_the_two_commands_come_first_and_exist() -> None:
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first
    commands = [line.split("#")[0].strip() for line in first[1].splitlines()]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert commands == ["make demo", "make test"]
    assert all(f"\n{command.removeprefix('make ')}:" in makefile for command in commands)


def test_config_entries_are_json_and_name_real_settings() -> None:
    entries = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    servers = [(entry.get("mcpServers") or entry["servers"])["posthog"] for entry in entries]
    assert len(servers) == 2
    for server in servers:
        assert server["command"] == "mcp-errortracking"
        assert set(server["env"]) <= set(VARIABLES)
    for entry, client in zip(entries, (BY_NAME["cursor"], BY_NAME["vscode"]), strict=True):
        shown = entry[client.members[0]]["posthog"]
        assert shown == Entry(shown["command"], env=shown["env"]).as_form(client.form)


def surroundings(sandbox: SandboxProcess) -> dict[str, str]:
    """The environment of somebody who installed this and has a PostHog."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "POSTHOG_HOST": sandbox.url,
        "POSTHOG_PERSONAL_API_KEY": sandbox.key,
        "POSTHOG_PROJECT_ID": "1",
    }


def test_the_upload_by_hand_works(tmp_path: Path) -> None:
    (tmp_path / "bundle.bin").write_bytes(container("checkout.min.js"))
    with SandboxProcess() as sandbox:
        environment = surroundings(sandbox)
        script = marked(SOURCE_MAPS, "upload")
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert (done.stdout, done.stderr, done.returncode) == ("same bytes: True\n", "", 0)


def test_the_lines_for_ci_work(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "workflows" / "source_maps" / "fixtures" / "built" / "vite", tmp_path / "dist")
    with SandboxProcess() as sandbox:
        environment = surroundings(sandbox) | {"VERSION": "9.9.9"}
        script = marked(SOURCE_MAPS, "ci")
        done = subprocess.run(
            ["sh", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        releases = sandbox.api("GET", "releases/").json()["results"]

    assert done.returncode == 0, done.stderr
    assert "uploaded: 2\n" in done.stdout
    assert "9.9.9" in [release["version"] for release in releases]


def test_the_seed_that_is_shown_starts_a_sandbox() -> None:
    with SandboxProcess(json.loads(marked(SANDBOX, "seed"))) as sandbox:
        assert sandbox.project_id == 7
        rules = sandbox.api("GET", "assignment_rules/", form="projects/7").json()["results"]
        assert rules[0]["id"] == "01936f2e-7a51-7000-8000-000000000001"
        assert sandbox.api("GET", "symbol_sets/", key="phx_reads_web", form="projects/7").json()["count"] == 5


def test_every_message_in_the_troubleshooting_table_exists() -> None:
    table = README.partition("## Troubleshooting")[2].partition("##")[0]
    messages = re.findall(r"^\| `(.*?)`", table, re.MULTILINE)
    source = "".join(file.read_text("utf-8") for file in (ROOT / "mcp_errortracking").rglob("*.py"))
    assert len(messages) >= 8
    for message in messages:
        core = message.replace("...", "").strip()
        assert core.lower() in source.lower(), message


def test_the_manifest_is_the_packages() -> None:
    manifest = json.loads((ROOT / "manifest.json").read_text("utf-8"))

    assert manifest["version"] == __version__
    assert [tool["name"] for tool in manifest["tools"]] == list(TOOLSETS["default"])
    assert manifest["user_config"]["api_key"]["sensitive"] is True
    # `--directory` would make the bundle's own folder the current one.
    assert manifest["server"]["mcp_config"]["args"][:4] == ["run", "--no-dev", "--project", "${__dirname}"]
    assert "api_key" not in json.dumps(manifest["server"]["mcp_config"]["args"])


def test_the_version_is_in_the_changelog() -> None:
    assert f"## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_contributing_names_commands_tests_and_files_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"`make (\w+)`", CONTRIBUTING))
    paths = re.findall(r"(?<![\w/])(?:tests|benchmarks)/[\w/.]+[\w/]", CONTRIBUTING)
    modules = re.findall(r"python -m ([\w.]+)", CONTRIBUTING)
    groups = {file.name for file in (ROOT / "tests/server/cases").glob("[a-z]*.py")} - {"case.py"}

    assert {"reference", "generate"} <= targets
    assert [one for one in targets if f"\n{one}:" not in makefile] == []
    assert "\ngenerate: reference\n" in makefile
    assert len(paths) >= 8
    assert [one for one in paths if not (ROOT / one).exists()] == []
    places = [(one, ROOT / one.replace(".", "/")) for one in modules]
    assert [one for one, at in places if not (at.with_suffix(".py").exists() or (at / "__main__.py").exists())] == []
    assert [one for one in groups if f"`{one}`" not in CONTRIBUTING] == []
    for quick in ("mcp_errortracking.server.tools", "tools.reference"):
        assert quick in modules
        assert f"-m {quick}\n" in makefile


def test_the_page_for_self_hosters_has_every_tool_that_needs_a_newer_posthog_and_every_age() -> None:
    table = SELF_HOSTING.partition("<!-- since -->")[2].partition("<!-- end of since -->")[0]
    rows = dict(re.findall(r"^\| ([\w -]+?) \| (.+) \|$", table, re.MULTILINE))
    ages = re.findall(r"^mcp-errortracking sandbox --age (\S+)", SELF_HOSTING, re.MULTILINE)

    assert "[error-tracking-bypass-rules-list]" in rows["mid 2026"]
    assert table.count("](tools.md#") == sum(endpoint.since is not None for endpoint in CATALOG.values())
    assert ages == [age for age in reversed(AGES) if age != "new"]
    assert "Upgrade PostHog to use this tool." in _LACKING
    assert "Upgrade PostHog to use this tool." in SELF_HOSTING


def test_a_time_that_the_table_does_not_know_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(since, "TIMES", since.TIMES[1:])

    with pytest.raises(ValueError, match="is in PostHog since '2026-03-26'"):
        since.table()
