"""Filters that PostHog takes but cannot compile into a rule (rule contract 2.1)."""

from typing import Any

import pytest

from mcp_errortracking.sandbox.compilation import check_compiles
from mcp_errortracking.sandbox.errors import ErrorAnswer
from tests.rules.vectors import VECTORS
from tests.sandbox.answers import SERVER_ERROR, Answer, ask, invalid
from tests.sandbox_process import SandboxProcess

DATE = invalid("invalid_input", "Unknown global function: toDateTime")
USER = {"type": "user", "id": 1}
EXTRA: dict[str, dict[str, Any]] = {
    "assignment_rules": {"assignee": USER},
    "grouping_rules": {},
    "suppression_rules": {},
    "bypass_rules": {},
    "severity_rules": {"severity": "low"},
}


def condition(operator: str, value: Any, kind: str = "event") -> dict[str, Any]:
    inner = {"key": "a", "type": kind, "operator": operator, "value": value}
    return {"type": "AND", "values": [{"type": "OR", "values": [inner]}]}


@pytest.mark.parametrize("kind", list(EXTRA))
@pytest.mark.parametrize(
    ("filters", "answer"),
    [
        (condition("in", 3, "cohort"), SERVER_ERROR),
        (condition("is_date_after", "-7d"), DATE),
        (condition("in", "x"), SERVER_ERROR),
    ],
)
def test_no_kind_of_rule_is_saved(fresh: SandboxProcess, kind: str, filters: dict[str, Any], answer: Answer) -> None:
    before = fresh.api("GET", f"{kind}/").json()["results"]

    assert ask(fresh, f"POST {kind}/", {"filters": filters, **EXTRA[kind]}) == answer
    assert ask(fresh, f"PATCH {kind}/{before[0]['id']}/", {"filters": filters}) == answer

    assert fresh.api("GET", f"{kind}/").json()["results"] == before


@pytest.mark.parametrize(
    ("filters", "compiles"),
    [
        (condition("between", [1, 2]), True),
        (condition("between", ["1", "2"]), True),
        (condition("between", [2, 1]), False),
        (condition("between", 1), False),
        (condition("not_between", [1]), False),
        (condition("in", ["a", "b"]), True),
        (condition("not_in", ["a"]), False),
        (condition("semver_tilde", "1.2"), True),
        (condition("semver_caret", "latest"), False),
        (condition("flag_evaluates_to", True), False),
        (condition("flag_evaluates_to", True, "flag"), True),
        (condition("exact", "a", "revenue_analytics"), False),
        (condition("regex", "(?=bad)"), True),
        (condition("gt", "text"), True),
        (condition("exact", []), True),
    ],
)
def test_operators(filters: dict[str, Any], compiles: bool) -> None:
    assert _compiles(filters) is compiles


def test_of_the_vectors_those_that_are_refused() -> None:
    for vector in VECTORS:
        if "filters" in vector:
            assert _compiles(vector["filters"]) is (vector["expect"] != "refused"), vector["id"]


def _compiles(filters: dict[str, Any]) -> bool:
    try:
        check_compiles(filters)
    except ErrorAnswer:
        return False
    return True
