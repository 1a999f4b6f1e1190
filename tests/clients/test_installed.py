"""From login to a tool call in clients of others: each reads the entry that `install` made, and starts the server.

The Inspector runs always. The others need .ci/node-clients; `MCP_CLIENTS=1` fails in place of skipping them. With
`MCP_TEST_PROGRAM`, all is done by that program, which .ci/release installs from the built wheel.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest

from tests.clients.node_tools import modules, node
from tests.sandbox_process import SandboxProcess

SERVER = os.environ.get("MCP_TEST_PROGRAM") or str(Path(sys.executable).parent / "mcp-errortracking")
CLIENTS = Path(__file__).parents[2] / ".venv/node-clients/node_modules"
PROGRAMS = {
    "amp": "@ampcode/cli-linux-x64/amp",
    "claude": "@anthropic-ai/claude-code-linux-x64/claude",
    "cline": "@cline/cli-linux-x64/bin/cline",
    "codex": ".bin/codex",
    "copilot": "@github/copilot-linux-x64/copilot",
    "droid": "@factory/cli-linux-x64/bin/droid",
    "gemini": ".bin/gemini",
    "opencode": "opencode-linux-x64/bin/opencode",
    "qwen": ".bin/qwen",
}
pytestmark = pytest.mark.timeout(240)  # clients of others start slowly
APPROVE = Path(__file__).parents[1] / "cli" / "approve.py"


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Path:
    """The home of a user who has logged in, without any variable."""
    browser = {
        "decision": "authorize",
        "scopes": ["error_tracking:write"],
        "project": "1",
        "seen": str(tmp_path / "seen"),
    }
    variables = {
        "BROWSER": f"{shlex.join([sys.executable, str(APPROVE)])} %s",
        "TEST_BROWSER": json.dumps(browser),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    ran = command(tmp_path, "login", "--host", sandbox.url, **variables)
    assert ran.returncode == 0, ran.stderr
    sandbox.empty_journal()
    return tmp_path


def of(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": "", "CODEX_HOME": ""}


def command(home: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SERVER, *words],
        cwd=home,
        env=environment(home) | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def install(home: Path, client: str, *words: str) -> None:
    ran = command(home, "install", client, *words)
    assert (ran.returncode, ran.stderr) == (0, "")


def uninstall(home: Path, client: str) -> None:
    assert command(home, "uninstall", client).returncode == 0


def keys_used(sandbox: SandboxProcess) -> set[str]:
    return {str(entry["key"])[:6] for entry in sandbox.journal()}


def test_the_inspector_calls_a_tool_by_the_entry_of_cursor(home: Path, sandbox: SandboxProcess) -> None:
    inspector = modules() / ".bin/mcp-inspector"
    (home / ".cursor").mkdir()
    install(home, "cursor")
    ran = node(
        inspector,
        "--cli",
        *("--config", home / ".cursor/mcp.json", "--server", "posthog"),
        *("--method", "tools/call", "--tool-name", "error-tracking-fingerprints-list", "--tool-arg", "limit=1"),
        env=environment(home),
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["content"][0]["text"].startswith("1 of 32; next page: offset 1\n")
    assert keys_used(sandbox) == {"CLI - "}  # the key of the login
    assert "phx_" not in (home / ".cursor/mcp.json").read_text()


def client(home: Path, name: str) -> Path:
    """Put a client of .ci/node-clients on the user's PATH; without it the test is skipped."""
    program = CLIENTS / PROGRAMS[name]
    if not program.exists():
        if os.environ.get("MCP_CLIENTS"):
            pytest.fail("run .ci/node-clients first")
        pytest.skip("needs .ci/node-clients")
    (home / "bin").mkdir()
    (home / "bin" / name).symlink_to(program)
    if name in ("codex", "gemini", "qwen"):  # scripts of Node
        (home / "bin" / "node").symlink_to(modules() / "node/bin/node")
    return home / "bin" / name


def environment(home: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
    return clean | of(home) | {"PATH": f"{home}/bin:{os.environ['PATH']}", "NO_COLOR": "1"}


def ask(home: Path, program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *words],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


class AppServer:
    """Codex as the editors start it: it answers requests in lines of JSON, also without a model."""

    def __init__(self, home: Path) -> None:
        self._ids = count()
        self._process = subprocess.Popen(
            [home / "bin" / "codex", "app-server"],
            cwd=home,
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        self.asks("initialize", clientInfo={"name": "tests", "version": "1"})
        self._send({"method": "initialized"})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)  # ends at the end of its input

    def asks(self, method: str, **params: Any) -> Any:
        """Return the result of a request."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        assert self._process.stdout
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == number:
                return message["result"]
        raise AssertionError(f"no answer to {method}")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


def test_claude_code(home: Path) -> None:
    program = client(home, "claude")
    install(home, "claude-code", "--", "--read-only")
    shown = ask(home, program, "mcp", "get", "posthog").stdout
    assert "Connected" in shown
    assert f"Command: {SERVER}\n  Args: --read-only\n" in shown
    assert "Connected" in ask(home, program, "mcp", "list").stdout

    before = (home / ".claude.json").read_bytes()
    install(home, "claude-code", "--", "--read-only")
    mine: Any = json.loads(before)["mcpServers"]
    assert json.loads((home / ".claude.json").read_bytes())["mcpServers"] == mine
    install(home, "claude-code", "--project", "1")
    assert json.loads((home / ".claude.json").read_bytes())["mcpServers"]["posthog"] == {
        "type": "stdio",
        "command": SERVER,
        "args": [],
        "env": {"POSTHOG_PROJECT_ID": "1"},
    }
    uninstall(home, "claude-code")
    assert json.loads((home / ".claude.json").read_bytes())["mcpServers"] == {}


def test_codex(home: Path) -> None:
    program = client(home, "codex")
    folder = home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text('# mine\nmodel = "o3" # the best\n\n[mcp_servers.other]\ncommand = "x"\n')
    install(home, "codex", "--", "--read-only")
    shown = json.loads(ask(home, program, "mcp", "get", "posthog", "--json").stdout)
    assert (shown["transport"]["command"], shown["transport"]["args"]) == (SERVER, ["--read-only"])
    text = (folder / "config.toml").read_text()
    assert text.startswith('# mine\nmodel = "o3" # the best\n')
    install(home, "codex", "--", "--read-only")
    assert (folder / "config.toml").read_text() == text
    install(home, "codex")
    assert json.loads(ask(home, program, "mcp", "get", "posthog", "--json").stdout)["transport"]["args"] == []
    uninstall(home, "codex")
    assert "posthog" not in (folder / "config.toml").read_text()
    assert "[mcp_servers.other]" in (folder / "config.toml").read_text()


def test_codex_lists_the_tools_and_calls_one(home: Path, sandbox: SandboxProcess) -> None:
    client(home, "codex")
    (home / ".codex").mkdir()
    install(home, "codex")
    with AppServer(home) as codex:
        (server,) = codex.asks("mcpServerStatus/list")["data"]
        thread = codex.asks("thread/start")["thread"]["id"]
        tool = {"server": "posthog", "tool": "error-tracking-fingerprints-list", "arguments": {"limit": 1}}
        called = codex.asks("mcpServer/tool/call", threadId=thread, **tool)

    assert (server["name"], server["serverInfo"]["name"]) == ("posthog", "mcp_errortracking")
    used = {"error-tracking-fingerprints-list", "query-error-tracking-issue", "error-tracking-issues-partial-update"}
    assert used <= server["tools"].keys()
    assert called["content"][0]["text"].startswith("1 of 32; next page: offset 1\n")
    assert keys_used(sandbox) == {"CLI - "}


def test_gemini(home: Path) -> None:
    program = client(home, "gemini")
    folder = home / ".gemini"
    folder.mkdir()
    (folder / "trustedFolders.json").write_text(json.dumps({str(home): "TRUST_FOLDER"}))
    install(home, "gemini")
    shown = ask(home, program, "mcp", "list")

    assert f"posthog: {SERVER}  (stdio) - Connected" in shown.stdout + shown.stderr


def test_opencode(home: Path) -> None:
    program = client(home, "opencode")
    (home / ".config/opencode").mkdir(parents=True)
    install(home, "opencode")
    shown = ask(home, program, "mcp", "list")

    assert "posthog connected" in " ".join((shown.stdout + shown.stderr).replace("\x1b[90m", "").split())


def test_qwen(home: Path) -> None:
    program = client(home, "qwen")
    (home / ".qwen").mkdir()
    install(home, "qwen")
    shown = ask(home, program, "mcp", "list")

    assert f"posthog: {SERVER}  (stdio) - Connected" in shown.stdout + shown.stderr


def test_droid(home: Path) -> None:
    program = client(home, "droid")
    (home / ".factory").mkdir()
    install(home, "droid")

    assert "posthog stdio connected [user]" in " ".join(ask(home, program, "mcp", "list").stdout.split())


def test_copilot(home: Path) -> None:
    program = client(home, "copilot")
    (home / ".copilot").mkdir()
    install(home, "copilot-cli", "--", "--read-only")
    shown = ask(home, program, "mcp", "get", "posthog").stdout

    assert f"  Type: local\n  Command: {SERVER} --read-only\n  Tools: * (all)\n  Source: User\n" in shown


def test_amp(home: Path) -> None:
    program = client(home, "amp")
    (home / ".config/amp").mkdir(parents=True)
    install(home, "amp")
    shown = ask(home, program, "mcp", "list").stdout

    assert f"Global ~/.config/amp/settings.json posthog command {SERVER}" in " ".join(shown.split())


def test_cline_writes_the_same_entry(home: Path) -> None:
    program = client(home, "cline")
    file = home / ".cline/data/settings/cline_mcp_settings.json"
    file.parent.mkdir(parents=True)
    install(home, "cline", "--", "--read-only")
    ours = json.loads(file.read_text())
    uninstall(home, "cline")
    added = ask(home, program, "mcp", "add", "posthog", "--yes", "--json", "--", SERVER, "--read-only")

    assert added.returncode == 0, added.stderr
    assert json.loads(file.read_text()) == ours
