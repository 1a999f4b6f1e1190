"""Workflows as the server offers and runs them: those that need files only where there are roots."""

from pathlib import Path

import pytest

from mcp_errortracking import compose
from mcp_errortracking.catalog import Outcome
from mcp_errortracking.config import ToolSelection
from mcp_errortracking.server.toolbox import Toolbox
from mcp_errortracking.workflows import registry
from mcp_errortracking.workflows.base import Context, Environment, Workflow
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.calls import call_tool

pytestmark = pytest.mark.anyio


class CountRoots(Workflow, tool="roots-count", toolset="roots", read_only=True):
    """Count the roots."""


async def run(_call: CountRoots, context: Context) -> Outcome:
    """Return the result of `CountRoots`: this module is the one that runs it."""
    return Outcome({"roots": len(context.environment.roots)})


class Silent:
    """A sender for calls that send nothing."""

    async def send(self, method: str, path: str, **_: object) -> object:
        raise AssertionError(f"{method} {path} was sent")


@pytest.fixture
def with_a_neutral_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a workflow that needs no files."""
    monkeypatch.setattr(compose, "WORKFLOWS", (*WORKFLOWS, CountRoots))
    monkeypatch.setitem(registry._MODULES, CountRoots, __name__)


@pytest.mark.parametrize("roots", [(), (Path("/"),)])
def test_only_workflows_that_need_files_depend_on_roots(with_a_neutral_workflow: None, roots: tuple[Path, ...]) -> None:
    names = compose.toolbox_for(ToolSelection(), roots).names

    assert "roots-count" in names
    assert ("source-maps-upload" in names) == bool(roots)


def test_a_workflow_is_in_a_toolset_of_its_own_in_the_default_one_and_in_all() -> None:
    for name in ("roots", "default", "all"):
        assert "roots-count" in Toolbox(toolsets=(name,), workflows=(CountRoots,)).names
    assert Toolbox(toolsets=("roots",), workflows=(*WORKFLOWS, CountRoots)).names == ["roots-count"]
    assert "roots-count" not in Toolbox(toolsets=("source_maps",), workflows=(*WORKFLOWS, CountRoots)).names


async def test_a_workflow_without_files_runs_without_roots(with_a_neutral_workflow: None) -> None:
    box = Toolbox(toolsets=("roots",), workflows=(CountRoots,))

    reply = await call_tool(
        Silent(),  # pyright: ignore[reportArgumentType]
        "roots-count",
        {},
        time_limit=5,
        toolbox=box,
        environment=Environment((), "http://127.0.0.1:9"),
    )

    assert (reply.is_error, reply.structured) == (False, {"roots": 0})


def test_a_workflow_may_stay_out_of_the_default_toolset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CountRoots, "in_default", False)
    workflows = (*WORKFLOWS, CountRoots)

    assert "roots-count" not in Toolbox(toolsets=("default",), workflows=workflows).names
    assert "roots-count" in Toolbox(toolsets=("all",), workflows=workflows).names
    assert Toolbox(toolsets=("roots",), workflows=workflows).names == ["roots-count"]


@pytest.mark.parametrize("workflow", [one for one in WORKFLOWS if one.needs_files], ids=lambda one: one.tool)
async def test_a_workflow_with_files_does_not_run_without_roots(workflow: type[Workflow]) -> None:
    arguments = {
        "source-maps-upload": {"folder": "dist"},
        "source-maps-check": {"folder": "dist"},
        "source-maps-resolve": {"stack": "at o (main.js:1:48213)"},
        "symbol-set-inspect": {"ref": "a"},
        "error-tracking-issues-in-file": {"paths": ["a.py"]},
    }[workflow.tool]

    reply = await call_tool(
        Silent(),  # pyright: ignore[reportArgumentType]
        workflow.tool,
        arguments,
        time_limit=5,
        environment=Environment((), "http://127.0.0.1:9"),
    )

    assert reply.structured == {"error": {"code": "no_roots"}}
