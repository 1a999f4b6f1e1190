"""A plan carried out through the tools against a sandbox, and stopped at every point."""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from mcp_errortracking import config
from mcp_errortracking.compose import caller_for, proxy_for
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.workflows.rules_file.apply import Applied, apply
from mcp_errortracking.workflows.rules_file.document import read_rules
from mcp_errortracking.workflows.rules_file.kinds import settings_of
from mcp_errortracking.workflows.rules_file.plan import Plan, plan_kinds
from mcp_errortracking.workflows.rules_file.plan_file import read_plan, write_plan
from mcp_errortracking.workflows.rules_file.project import Project
from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml
from tests.sandbox_process import WITHOUT_EVENTS, SandboxProcess

pytestmark = pytest.mark.anyio

FILE = b"""\
version: 1
grouping:
  - {name: new, filters: {type: AND, values: [{key: a, value: b}]}}
  - {name: twin, filters: {type: AND, values: [{key: a, value: b}]}}
severity:
  - {name: new, severity: low, filters: {type: AND, values: [{key: $lib, value: web}]}}
  - {name: timeouts, severity: critical, filters: {type: AND, values: [{type: AND, values: [
      {key: $exception_types, operator: icontains, value: TimeoutError}]}]}}
"""


class StopError(Exception):
    """The end of the process."""


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(WITHOUT_EVENTS) as running:
        yield running


@dataclass(slots=True)
class Client:
    """Does work with a project, over one connection."""

    sandbox: SandboxProcess
    proxy: Proxy
    caller: ToolCaller

    async def do(self, work: Any, *, stop_at: int | None = None) -> Any:
        """Do work; at the write of this number, stop before its answer is read."""
        writes = 0

        async def call(name: str, arguments: Mapping[str, Any]) -> Any:
            nonlocal writes
            is_last = not name.endswith("-list") and writes == stop_at
            writes += not name.endswith("-list")
            reply = await self.caller.call(self.proxy, name, arguments)
            if is_last:
                raise StopError
            return reply

        return await work(Project(call))

    async def plan(self) -> Plan:
        """Return a plan for the sandbox as its seed has it, read back from its file."""
        self.sandbox.reset()
        file = read_rules(read_yaml(FILE, "f"))
        held = await self.do(lambda project: project.rules(list(file.rules)))
        plan = Plan(self.sandbox.url, "1", "f", "", {}, plan_kinds(file, held, delete=True))
        return read_plan(write_plan(plan).encode())


@asynccontextmanager
async def client_of(sandbox: SandboxProcess) -> AsyncGenerator[Client]:
    settings = config.for_sandbox(sandbox.url, sandbox.key, 1)
    async with proxy_for(settings) as proxy:
        yield Client(sandbox, proxy, caller_for(settings, time_limit=20, max_result_tokens=10_000, roots=()))


def state(sandbox: SandboxProcess) -> dict[str, list[Any]]:
    """The rules, in order, without ids."""
    return {
        kind: [
            (rule["order_key"], settings_of(kind, rule))
            for rule in sandbox.api("GET", f"{kind}_rules/").json()["results"]
        ]
        for kind in ("suppression", "grouping", "assignment", "severity", "bypass")
    }


async def test_an_apply_that_was_stopped_anywhere_goes_on(sandbox: SandboxProcess) -> None:
    async with client_of(sandbox) as client:
        plan, lines = await client.plan(), list[str]()
        applied: Applied = await client.do(lambda project: apply(plan, project, lines.append))
        wanted = state(sandbox)
        assert (applied.done, applied.before, applied.failure, applied.differences) == (plan.changes, 0, "", [])
        assert len(lines) == plan.changes
        assert [place for place, _ in wanted["grouping"]] == [0, 1]
        assert [(place, rule["severity"]) for place, rule in wanted["severity"]] == [(0, "low"), (1, "critical")]

        for number in range(plan.changes):
            plan = await client.plan()
            work = partial(_apply, plan)
            with pytest.raises(StopError):
                await client.do(work, stop_at=number)
            applied = await client.do(work)
            assert (applied.before, applied.done) == (number + 1, plan.changes - number - 1)
            assert (applied.failure, applied.differences, state(sandbox)) == ("", [], wanted)
            assert {kind: len(ids) for kind, ids in applied.ids.items()} == {"grouping": 2, "severity": 1}


async def test_rules_are_read_page_by_page(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.reset()
    async with client_of(sandbox) as client:
        whole = await client.do(lambda project: project.rules())
        monkeypatch.setattr("mcp_errortracking.workflows.rules_file.project._PAGE", 1)
        assert await client.do(lambda project: project.rules()) == whole
    assert [len(rules) for rules in whole.values()] == [2, 2, 4, 2, 2]


async def _apply(plan: Plan, project: Project) -> Applied:
    return await apply(plan, project, lambda _: None)
