"""docs/tutorial.md is true: each of its commands is run, in order, and prints what the page shows."""

import json
import re
import shlex
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from mcp_errortracking.cli.main import parse
from mcp_errortracking.sandbox.command import DEFAULT_PORT
from tests import forked
from tests.command import run_here
from tests.sandbox_process import SandboxProcess

PAGE = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def is_shown(line: str, output: str) -> bool:
    """True if a line of the output has the parts of a line of the page, in order; "..." stands for what it omits."""
    parts = [re.escape(part.strip()) for part in line.strip().removesuffix("...").split("...")]
    return re.search(".*".join(parts), output) is not None


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    variables = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    output, run, shown = "", 0, 0
    with SandboxProcess() as sandbox:
        for kind, text in BLOCKS:
            if kind == "text":
                for line in text.splitlines():
                    assert is_shown(line, output), f"{line}\nis not in\n{output}"
                    shown += 1
            if kind != "sh":
                continue
            output = ""
            for line in text.splitlines():
                words = shlex.split(line, comments=True)
                if words[0] == "export":
                    name, _, value = words[1].partition("=")
                    variables[name] = value.replace(f"http://127.0.0.1:{DEFAULT_PORT}", sandbox.url)
                elif words == ["mcp-errortracking", "sandbox"]:
                    assert parse(words[1:]).port == DEFAULT_PORT
                else:
                    assert words[0] == "mcp-errortracking"
                    code, out, _ = run_here(*words[1:], folder=tmp_path, **variables)
                    expected = re.search(r"# exits with (\d)", line)
                    assert code == int(expected[1] if expected else 0), out
                    output += out
                    run += 1
        assert variables["POSTHOG_PERSONAL_API_KEY"] == sandbox.key
        issue = sandbox.api("GET", "issues/0193f2a0-a971-75e7-9db9-4c257c0eba6e/").json()
        noise = sandbox.api("GET", "issues/0193f2a0-bd99-783f-a017-497b85f5e34f/").json()

    assert (run, shown) == (11, 23)
    assert issue["assignee"] == {"id": 1, "type": "user"}
    assert noise["status"] == "active"  # suppressed, and taken back


@pytest.mark.anyio
async def test_the_entry_for_a_client_starts_a_server_with_the_tools_and_the_prompt() -> None:
    (entry,) = [json.loads(text)["mcpServers"]["posthog"] for kind, text in BLOCKS if kind == "json"]
    assert entry["command"] == "mcp-errortracking"
    command, *arguments = forked.command(*entry["args"])
    async with Client(StdioServerParameters(command=command, args=arguments)) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}

    used = set(re.findall(r"mcp-errortracking call ([a-z-]+)", PAGE))
    assert len(used) == 6
    assert used - tools == set()
    assert "triage" in prompts
