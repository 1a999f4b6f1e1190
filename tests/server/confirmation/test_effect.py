"""The question about a rule says what its filters match."""

from collections.abc import Generator
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.compose import caller_for
from mcp_errortracking.config import for_sandbox
from mcp_errortracking.proxy import Proxy
from tests.sandbox_process import FULL, SandboxProcess

pytestmark = pytest.mark.anyio

CREATE = "error-tracking-severity-rules-create"


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


async def question(sandbox: SandboxProcess, tool: str, arguments: dict[str, Any]) -> str:
    settings = for_sandbox(sandbox.url, FULL, 1)
    caller = caller_for(settings, time_limit=20, max_result_tokens=10_000, roots=(), confirm="writes")
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        reply = await caller.call(proxy, tool, arguments)
    return reply.structured["error"]["question"]


def filters(operator: str, value: Any) -> dict[str, Any]:
    return {"type": "AND", "values": [{"key": "$exception_types", "operator": operator, "value": value}]}


async def test_a_rule_has_the_number_of_its_exceptions(sandbox: SandboxProcess) -> None:
    rows = sandbox.api("POST", "query/issues/", {"status": "all", "limit": 100, "filterTestAccounts": False}).json()[
        "results"
    ]
    total = int(sum(row["aggregations"]["occurrences"] for row in rows))

    text = await question(sandbox, CREATE, {"severity": "low", "filters": filters("is_set", "is_set")})

    assert f"In the last 7 days these filters match {total:,} of {total:,} exceptions, of {len(rows)} issues." in text


async def test_what_cannot_be_counted_adds_nothing(sandbox: SandboxProcess) -> None:
    text = await question(sandbox, CREATE, {"severity": "low", "filters": filters("starts_with", "T")})
    assert "In the last 7 days" not in text
