"""`mcp-errortracking changes`, and the journal of the commands and servers that make changes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.config import ConfigError, load_posthog
from mcp_errortracking.sandbox.clock import derived_id
from tests.command import run, run_here
from tests.sandbox_process import FULL, WITHOUT_EVENTS, SandboxProcess
from tests.server.mcp_client import connected

pytestmark = pytest.mark.anyio

UPDATE = "error-tracking-issues-partial-update"
ISSUE = derived_id("issue", 12)
RESOLVE = json.dumps({"id": ISSUE, "status": "resolved"})


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxProcess]:
    with SandboxProcess(WITHOUT_EVENTS) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: SandboxProcess) -> SandboxProcess:
    shared.reset()
    return shared


@pytest.fixture
def there(sandbox: SandboxProcess, tmp_path: Path) -> dict[str, str]:
    """The environment of a command of a user who has a home."""
    return {
        "POSTHOG_HOST": sandbox.url,
        "POSTHOG_PERSONAL_API_KEY": FULL,
        "POSTHOG_PROJECT_ID": "1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


def status(sandbox: SandboxProcess) -> str:
    return sandbox.api("GET", f"issues/{ISSUE}/").json()["status"]


def test_a_call_is_listed_and_undone_by_commands(
    sandbox: SandboxProcess, there: dict[str, str], tmp_path: Path
) -> None:
    assert run_here("call", UPDATE, RESOLVE, **there)[0] == 0
    code, out, _ = run_here("changes", "list", "--json", **there)
    [row] = json.loads(out)["results"]
    assert (code, row["called"], row["state"], row["undo"]) == (0, UPDATE, "done", "exact")

    code, out, _ = run_here("changes", "undo", **there)
    assert (code, status(sandbox)) == (0, "resolved")
    assert "Note: Nothing was changed." in out

    code, out, _ = run_here("changes", "undo", "1", "--apply", **there)
    assert (code, status(sandbox)) == (0, "active")
    assert out.startswith("undone: 1\n")

    code, out, _ = run_here("changes", "undo", "1", "--apply", **there)
    assert (code, "is undone already, by change 2" in out) == (1, True)
    file = tmp_path / "state/mcp_errortracking/changes.db"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_force_undoes_what_was_changed_since(sandbox: SandboxProcess, there: dict[str, str]) -> None:
    run_here("call", UPDATE, RESOLVE, **there)
    sandbox.api("PATCH", f"issues/{ISSUE}/", {"status": "suppressed"})

    assert run_here("changes", "undo", "--apply", **there)[0] == 1
    assert status(sandbox) == "suppressed"
    assert run_here("changes", "undo", "--apply", "--force", **there)[0] == 0
    assert status(sandbox) == "active"


@pytest.mark.parametrize("how", ["option", "variable", "no home"])
def test_without_a_journal_nothing_is_recorded_and_no_more_is_sent(
    sandbox: SandboxProcess, there: dict[str, str], tmp_path: Path, how: str
) -> None:
    words = ["--journal", "off"] if how == "option" else []
    more = {"option": {}, "variable": {"MCP_JOURNAL": "off"}, "no home": {"XDG_STATE_HOME": "/dev/null"}}[how]

    assert run_here("call", UPDATE, RESOLVE, *words, **there | more)[0] == 0

    assert [one["method"] for one in sandbox.journal()] == ["PATCH"]
    assert not (tmp_path / "state").exists()
    code, out, _ = run_here("changes", "list", *words, **there | more)
    assert (code, "Its operator can start it with --journal PATH" in out) == (1, True)


def test_the_sandbox_of_a_command_has_a_journal_only_if_one_is_named(there: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "own.db"
    run_here("call", UPDATE, RESOLVE, "--sandbox", **there)
    assert not (tmp_path / "state").exists()

    run_here("call", UPDATE, RESOLVE, "--sandbox", "--journal", str(file), **there)
    assert file.exists()


def test_with_callers_keys_a_journal_must_be_asked_for(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}

    assert load_posthog(environ, keyless=True).journal_file() is None
    assert load_posthog(environ | {"MCP_JOURNAL": "/j.db"}, keyless=True).journal_file() == Path("/j.db")
    assert load_posthog(environ, home=tmp_path).journal is None


def test_a_key_is_no_path() -> None:
    with pytest.raises(ConfigError, match="MCP_JOURNAL holds a key where a path belongs"):
        load_posthog({"MCP_JOURNAL": FULL})


async def test_a_server_offers_the_tools_and_two_processes_share_the_journal(
    sandbox: SandboxProcess, there: dict[str, str], tmp_path: Path
) -> None:
    file = str(tmp_path / "shared.db")
    async with connected(sandbox.url, FULL, "--toolsets", "issues,changes", "--journal", file) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        await client.call_tool(UPDATE, json.loads(RESOLVE))
        run("call", UPDATE, json.dumps({"id": ISSUE, "severity": "low"}), "--journal", file, **there)
        listed: Any = await client.call_tool("error-tracking-changes-list", {})

    assert {"error-tracking-changes-list", "error-tracking-changes-undo"} <= set(names)
    rows = listed.structured_content["results"]
    assert [(row["called"], row["state"]) for row in rows] == [(UPDATE, "done")] * 2


@pytest.mark.parametrize(("words", "offered"), [(["--journal", "off"], []), (["--read-only"], ["list"])])
async def test_undo_is_not_offered_without_a_journal_or_read_only(
    sandbox: SandboxProcess, tmp_path: Path, words: list[str], offered: list[str]
) -> None:
    async with connected(sandbox.url, FULL, "--journal", str(tmp_path / "own.db"), *words) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]

    assert [name.rpartition("-")[2] for name in names if "-changes-" in name] == offered
