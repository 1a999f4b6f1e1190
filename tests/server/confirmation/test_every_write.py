"""Every tool that writes, walked from the catalog and the workflows: it is confirmed, and sends nothing before."""

import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog import CATALOG, Declaration
from mcp_errortracking.journal.change import Call, End, Write
from mcp_errortracking.journal.store import Journal
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.confirmation.argument import Mode
from mcp_errortracking.server.confirmation.confirmation import Confirmation
from mcp_errortracking.server.recording import Recorder
from mcp_errortracking.server.tool_list import listed_tools
from mcp_errortracking.server.toolbox import EVERY_TOOL
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases.case import COMPLETE, SEED, TYPE_ERROR
from tests.server.test_every_tool import FIRST

pytestmark = pytest.mark.anyio

TOOLS: dict[str, type[Declaration]] = {**CATALOG, **{tool.tool: tool for tool in WORKFLOWS}}
WRITES = [name for name, tool in TOOLS.items() if not tool.read_only]
DESTRUCTIVE = [name for name in WRITES if TOOLS[name].destructive]
OF_WORKFLOWS: dict[str, dict[str, Any]] = {
    "error-tracking-issues-update-matching": {
        "setStatus": "resolved",
        "status": "active",
        "apply": f"{int(time.time()):08x}-0000000000",
    },
    "error-tracking-changes-undo": {"dry_run": False, "force": True},
    "source-maps-upload": {"folder": "dist", "delete_after": True},
    "symbol-set-inspect": {"id": COMPLETE, "write_to": "out"},
}
"""A call of each workflow that writes."""


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    """Yield one process for all tests of the module: nothing here changes it."""
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(scope="module")
async def proxy(sandbox: SandboxProcess) -> AsyncGenerator[Proxy]:
    """Yield a proxy to the sandbox."""
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        yield proxy


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Return a folder with a build of one bundle."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "main.js").write_text("x\n//# sourceMappingURL=main.js.map\n")
    (tmp_path / "dist" / "main.js.map").write_text('{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}')
    return tmp_path


def files(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def with_confirm(mode: Mode) -> list[str]:
    return [tool["name"] for tool in listed_tools(TOOLS, mode) if "confirm" in tool["inputSchema"]["properties"]]


def test_the_argument_is_in_the_schema_of_the_tools_concerned_alone() -> None:
    assert with_confirm("never") == []
    assert with_confirm("destructive") == DESTRUCTIVE
    assert with_confirm("writes") == WRITES
    assert set(DESTRUCTIVE) < set(WRITES)
    assert "error-tracking-issues-bulk-create" in DESTRUCTIVE
    assert "source-maps-upload" in DESTRUCTIVE


def test_no_tool_has_an_argument_of_that_name_of_its_own() -> None:
    assert [name for name, tool in TOOLS.items() if "confirm" in tool.model_fields] == []


def test_every_workflow_that_writes_has_a_call_here() -> None:
    assert set(OF_WORKFLOWS) == set(WRITES) - set(CATALOG)


@pytest.fixture
def recorder(sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Generator[Recorder]:
    """Yield a recorder whose journal holds a change that can be undone."""
    journal = Journal(tmp_path_factory.mktemp("journal") / "changes.db")
    update = "error-tracking-issues-partial-update"
    resolve, activate = (Call(update, {"id": TYPE_ERROR, "status": status}) for status in ("resolved", "active"))
    change = journal.begin(Write(resolve, sandbox.url, "1", dict(activate.arguments), "exact"))
    journal.end(change, End("done", after=dict(resolve.arguments), inverse=activate, undo="exact"))
    yield Recorder(journal, sandbox.url)
    journal.close()


@pytest.mark.parametrize("name", WRITES)
async def test_nothing_is_sent_before_somebody_consents(
    sandbox: SandboxProcess, proxy: Proxy, build: Path, recorder: Recorder, name: str
) -> None:
    arguments = dict(OF_WORKFLOWS[name] if name in OF_WORKFLOWS else FIRST[name].arguments)
    environment, before = Environment((build,), sandbox.url), files(build)
    for field in ("folder", "write_to"):
        if field in arguments:
            arguments[field] = str(build / arguments[field])
    sandbox.empty_journal()

    reply = await call_tool(
        proxy,
        name,
        arguments,
        time_limit=20,
        confirmation=Confirmation("writes", sandbox.url),
        environment=environment,
        recorder=recorder,
        toolbox=EVERY_TOOL,
    )

    assert reply.structured["error"]["code"] == "confirmation_required", reply.text
    assert reply.structured["error"]["question"] in reply.text
    assert reply.structured["error"]["confirm"] in reply.text
    assert reply.is_error
    assert [entry for entry in sandbox.journal() if entry["method"] != "GET" and "/query/" not in entry["path"]] == []
    assert files(build) == before


def test_other_tools_are_called_at_once() -> None:
    confirmation = Confirmation("destructive", "https://posthog.example")

    assert [name for name, tool in TOOLS.items() if confirmation.begin(tool, {}, None)] == DESTRUCTIVE


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("source-maps-upload", {"folder": "dist", "dry_run": True}),
        ("symbol-set-inspect", {"id": COMPLETE}),
    ],
)
async def test_call_that_only_looks_is_made_at_once(
    sandbox: SandboxProcess, proxy: Proxy, build: Path, name: str, arguments: dict[str, Any]
) -> None:
    if "folder" in arguments:
        arguments = arguments | {"folder": str(build / "dist")}
    environment = Environment((build,), sandbox.url)

    reply = await call_tool(
        proxy, name, arguments, time_limit=20, confirmation=Confirmation("writes", sandbox.url), environment=environment
    )

    assert "needs the consent" not in reply.text
