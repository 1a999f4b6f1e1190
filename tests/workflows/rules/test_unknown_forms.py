"""Simulations over rules of PostHog in forms that are not known here: each is named, and none ends a call."""

from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.sandbox.conftest import DEFAULT
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.rules.test_exact import BROWSERS, condition, group, queries
from tests.workflows.rules.test_simulation import DATES

pytestmark = pytest.mark.anyio

RULE = "01936f2e-7a51-7000-8000-0000000000f1"
TYPES = group("AND", condition("$exception_types", "exact", ["TypeError"]))
UNKNOWN: list[Any] = [
    *("x", 5, True, [], [1], {"type": "AND"}, {"type": "AND", "values": {}}, {"type": "AND", "values": [5]}),
    *({"type": "XOR", "values": []}, group("AND", {"type": "OR", "values": 5})),
    *(
        group("AND", {**condition("$lib", "exact", "x"), "operator": []}),
        group("AND", {"key": 5, "type": "event", "value": "x"}),
    ),
]


class Listing:
    """Lists these rules, and sends all else to the sandbox."""

    def __init__(self, proxy: Proxy, *rules: dict[str, Any]) -> None:
        self.proxy, self.rules, self.host, self.project = proxy, list(rules), proxy.host, "1"

    async def send(self, method: str, path: str, **options: Any) -> Any:
        if "_rules/" not in path:
            return await self.proxy.send(method, path, **options)

        class Answer:
            data, attempts = {"results": self.rules}, 1

        return Answer


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(DEFAULT) as running:
        yield running


@pytest.fixture
async def proxy(sandbox: SandboxProcess) -> AsyncGenerator[Proxy]:
    sandbox.http.delete(f"{sandbox.url}/_journal")
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        yield proxy


async def simulate(sender: Any, *scopes: str, **arguments: Any) -> Reply:
    async def held() -> list[str]:
        return list(scopes)

    arguments.setdefault("dateRange", DATES)
    name, environment = "error-tracking-rules-simulate", Environment((), sender.host)
    return await call_tool(sender, name, arguments, time_limit=60, environment=environment, scopes=held)


@pytest.mark.parametrize("filters", UNKNOWN, ids=repr)
async def test_a_rule_of_an_unknown_form_is_named_and_nothing_is_counted(
    sandbox: SandboxProcess, proxy: Proxy, filters: Any
) -> None:
    reply = await simulate(Listing(proxy, {"id": RULE, "filters": filters}), "*", kind="severity", id=RULE)

    assert reply.structured["error"]["code"] == "unknown_form"
    assert "simulate filters." in reply.text
    assert sandbox.journal() == []


@pytest.mark.parametrize("scope", ["*", "error_tracking:read"])
async def test_earlier_rules_of_an_unknown_form_are_unknown(proxy: Proxy, scope: str) -> None:
    earlier = [{"id": str(number), "filters": filters, "order_key": 0} for number, filters in enumerate(UNKNOWN)]

    reply = await simulate(Listing(proxy, *earlier), scope, kind="suppression", filters=TYPES)

    why = "unknown: its filters have a form that is not known here"
    assert {row["rule"]: row["takes_first"] for row in reply.structured["taken_first"]} == {
        rule["id"]: why for rule in earlier
    }


@pytest.mark.parametrize(
    "value", ["x", None, [], {}, True, float("nan"), 10**400, -5], ids=lambda value: str(value)[:9]
)
async def test_positions_and_rates_of_unknown_forms_are_as_if_missing(proxy: Proxy, value: Any) -> None:
    rule = {"id": RULE, "filters": TYPES, "order_key": value, "sampling_rate": value}
    other = {"id": "other", "filters": TYPES, "order_key": value}

    reply = await simulate(Listing(proxy, rule, other), "error_tracking:read", kind="suppression", id=RULE)

    assert not reply.is_error, reply.text
    assert "(100% of those that match)" in reply.structured["would_drop"]


async def test_a_value_that_no_query_takes_is_not_counted_by_one(proxy: Proxy) -> None:
    rule = {"id": RULE, "filters": group("AND", condition("$lib", "exact", {"a": 1}))}

    reply = await simulate(Listing(proxy, rule), "error_tracking:read", kind="severity", id=RULE)

    assert "PostHog's query does not take the value of a condition with exact." in reply.text
    assert reply.structured["matching"]["exact"] is False


async def test_without_earlier_rules_the_database_is_asked_once(sandbox: SandboxProcess, proxy: Proxy) -> None:
    reply = await simulate(Listing(proxy), "*", kind="suppression", filters=BROWSERS)

    assert "taken_first" not in reply.structured
    assert len(queries(sandbox)) == 1


async def test_a_range_from_the_begin_of_the_calendar_is_answered(proxy: Proxy) -> None:
    dates = {"date_from": "0001-01-01T00:00:00Z", "date_to": DATES["date_to"]}
    reply = await simulate(Listing(proxy), "*", kind="bypass", filters=TYPES, dateRange=dates)
    assert reply.structured["matching"]["exact"] is True


@pytest.mark.parametrize("dates", [{"date_from": "2199-01-01T00:00:00Z"}, {"date_from": "9999-12-31T23:59:59-14:00"}])
async def test_a_range_that_begins_in_the_future_is_explained(
    sandbox: SandboxProcess, proxy: Proxy, dates: dict[str, str]
) -> None:
    reply = await simulate(Listing(proxy), "*", kind="bypass", filters=TYPES, dateRange=dates)

    assert reply.structured["error"]["code"] == "empty_range"
    assert f"date_from {dates['date_from']} does not lie before its end" in reply.text
    assert sandbox.journal() == []
