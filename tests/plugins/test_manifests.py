"""The plugin's manifests: one folder, one version and one set of options for four clients, and no key in a file.

`.ci/plugin-clients` installs the clients that run without a model; their own commands judge the folder.
"""

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking import __version__
from mcp_errortracking.cli.main import parse
from mcp_errortracking.config import VARIABLES
from mcp_errortracking.config.values import value
from tests.plugins.skills import PLUGIN, ROOT, SKILLS

CLIENTS = ROOT / ".venv" / "plugin-clients"
NAME = "mcp-errortracking"
CURSOR = {
    *("name", "displayName", "description", "version", "author", "publisher", "homepage", "repository", "license"),
    *("logo", "keywords", "category", "tags", "commands", "agents", "skills", "rules", "hooks", "variables"),
    "mcpServers",
}
"""The fields that the schema of Cursor's plugins allows; others are refused."""


def read(name: str) -> Any:
    return json.loads((PLUGIN / name).read_text("utf-8"))


MANIFESTS = {
    name: read(name)
    for name in (
        ".claude-plugin/plugin.json",
        ".codex-plugin/plugin.json",
        ".cursor-plugin/plugin.json",
        "gemini-extension.json",
    )
}
SERVERS: dict[str, dict[str, Any]] = {
    "Claude Code": MANIFESTS[".claude-plugin/plugin.json"]["mcpServers"]["posthog"],
    "Codex": read(".codex-plugin/mcp.json")["mcpServers"]["posthog"],
    "Cursor": read(".cursor-plugin/mcp.json")["mcpServers"]["posthog"],
    "Gemini CLI": MANIFESTS["gemini-extension.json"]["mcpServers"]["posthog"],
}


def test_all_manifests_are_of_one_plugin_and_version() -> None:
    assert {(one["name"], one["version"]) for one in MANIFESTS.values()} == {(NAME, __version__)}
    assert len({one["description"] for one in MANIFESTS.values()}) == 1
    assert set(MANIFESTS[".cursor-plugin/plugin.json"]) <= CURSOR
    for name in (".codex-plugin/plugin.json", ".cursor-plugin/plugin.json"):
        manifest = MANIFESTS[name]
        assert (PLUGIN / manifest["skills"]).is_dir()
        assert (PLUGIN / manifest["mcpServers"]).is_file()


def test_every_client_starts_the_server_alike() -> None:
    commands = {(one["command"], *one["args"]) for one in SERVERS.values()}

    assert len(commands) == 1
    command, *options = commands.pop()
    assert command == NAME
    assert parse(options).toolsets == ("default", "deploys", "changes")


def test_the_key_is_asked_for_or_taken_from_the_environment_and_is_in_no_file() -> None:
    claude = MANIFESTS[".claude-plugin/plugin.json"]["userConfig"]
    gemini = MANIFESTS["gemini-extension.json"]["settings"]
    for name in ("Claude Code", "Cursor"):
        for variable, text in SERVERS[name]["env"].items():
            assert value({variable: text}, variable) is None, "a placeholder that is not filled counts as not set"

    assert claude["api_key"]["sensitive"] is True
    assert {one["envVar"]: one.get("sensitive", False) for one in gemini} == {
        "POSTHOG_PERSONAL_API_KEY": True,
        "POSTHOG_HOST": False,
        "POSTHOG_PROJECT_ID": False,
    }
    variables = {*SERVERS["Claude Code"]["env"], *SERVERS["Cursor"]["env"], *SERVERS["Codex"]["env_vars"]}
    assert variables == {one["envVar"] for one in gemini}
    assert variables <= set(VARIABLES)
    assert [file for file in PLUGIN.rglob("*") if file.is_file() and b"phx_" in file.read_bytes()] == []


@pytest.mark.parametrize(
    "file", [".claude-plugin/marketplace.json", ".cursor-plugin/marketplace.json", ".agents/plugins/marketplace.json"]
)
def test_the_marketplaces_lead_to_the_plugin(file: str) -> None:
    (plugin,) = json.loads((ROOT / file).read_text("utf-8"))["plugins"]
    source = plugin["source"]

    assert plugin["name"] == NAME
    assert ROOT / (source if isinstance(source, str) else source["path"]) == PLUGIN


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.parent.name)
def test_a_skill_has_the_head_that_clients_read(skill: Path) -> None:
    head = re.match(r"---\nname: ([a-z-]{1,64})\ndescription: (.{1,1024})\n---\n\n# ", skill.read_text("utf-8"))

    assert head
    assert head[1] == skill.parent.name
    assert ": " not in head[2], "a colon would need quotes in YAML"
    assert len(skill.read_text("utf-8")) < 4000


def test_the_plugin_is_in_no_wheel() -> None:
    assert 'packages = ["mcp_errortracking"]' in (ROOT / "pyproject.toml").read_text("utf-8")
    for wheel in (ROOT / "dist").glob("*.whl"):
        assert [name for name in zipfile.ZipFile(wheel).namelist() if "plugins/" in name] == []


def run(client: str, home: Path, *words: str, stdin: str = "") -> str:
    """Return what a command of a client prints, with a home of its own; skip without the client."""
    program = CLIENTS / "node_modules" / ".bin" / client
    if not program.exists():
        pytest.skip("needs .ci/plugin-clients")
    home.mkdir(exist_ok=True)
    environ = {"PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(home), "TERM": "dumb"}
    done = subprocess.run(
        [program, *words],
        cwd=home,
        env=environ | {"GEMINI_CLI_TRUST_WORKSPACE": "true", "DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout or done.stderr


@pytest.mark.timeout(240)
def test_claude_code_installs_the_plugin(tmp_path: Path) -> None:
    plugin = f"{NAME}@{NAME}"
    assert "Validation passed" in run("claude", tmp_path, "plugin", "validate", str(PLUGIN))
    run("claude", tmp_path, "plugin", "marketplace", "add", str(ROOT))
    run("claude", tmp_path, "plugin", "install", plugin)
    details = run("claude", tmp_path, "plugin", "details", plugin)

    assert "Skills (4)  fix-source-maps, investigate-error, quiet-noise, triage-errors" in details


def test_codex_installs_the_plugin(tmp_path: Path) -> None:
    run("codex", tmp_path, "plugin", "marketplace", "add", str(ROOT))
    run("codex", tmp_path, "plugin", "add", f"{NAME}@{NAME}")
    (server,) = json.loads(run("codex", tmp_path, "mcp", "list", "--json"))

    assert (server["name"], server["transport"]["command"]) == ("posthog", NAME)
    assert server["transport"]["env_vars"] == SERVERS["Codex"]["env_vars"]


@pytest.mark.timeout(240)
def test_gemini_cli_installs_the_extension(tmp_path: Path) -> None:
    run("gemini", tmp_path, "extensions", "validate", str(PLUGIN))
    words = ("extensions", "install", str(PLUGIN), "--consent", "--skip-settings")
    run("gemini", tmp_path, *words, stdin="y\n" * 5)
    listed = run("gemini", tmp_path, "extensions", "list")

    assert f"{NAME} ({__version__})" in listed
    assert [skill.parent.name for skill in SKILLS if f"  {skill.parent.name}: " not in listed] == []
