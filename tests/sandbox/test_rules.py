"""Grouping, suppression, bypass and severity rules (contract 6.2 to 6.5): what they share, and where they differ."""

from typing import Any

import pytest

from tests.sandbox.answers import (
    NO_READ,
    NO_WRITE,
    SERVER_ERROR,
    UNKNOWN,
    Answer,
    ask,
    choice,
    invalid,
    not_found,
    null,
    required,
)
from tests.sandbox_process import READ_ONLY, ROLE, SandboxProcess

FILTERS = {"type": "AND", "values": [{"key": "$browser", "type": "event", "operator": "exact", "value": "Chrome"}]}
OTHERS = {"type": "OR", "values": [{"key": "$os", "type": "event", "operator": "is_set"}]}
NOTHING = {"type": "AND", "values": []}
EMPTY = {"type": "AND", "values": [{"type": "OR", "values": [{"type": "empty"}]}]}
USER = {"type": "user", "id": 1}

GOOD: dict[str, dict[str, Any]] = {
    "grouping_rules": {"filters": FILTERS},
    "suppression_rules": {"filters": FILTERS},
    "bypass_rules": {"filters": FILTERS},
    "severity_rules": {"filters": FILTERS, "severity": "high"},
}
PAGED = {"suppression_rules", "bypass_rules"}
FIELDS = {
    "grouping_rules": ["id", "order_key", "filters", "assignee", "description", "issue"],
    "suppression_rules": ["id", "order_key", "filters", "sampling_rate"],
    "bypass_rules": ["id", "order_key", "filters"],
    "severity_rules": ["id", "order_key", "filters", "severity"],
}
each_kind = pytest.mark.parametrize("kind", list(GOOD))


def create(sandbox: SandboxProcess, kind: str, **fields: Any) -> dict[str, Any]:
    status, rule = ask(sandbox, f"POST {kind}/", GOOD[kind] | fields)
    assert status == 201, rule
    return rule


def stored(sandbox: SandboxProcess, kind: str, rule: dict[str, Any]) -> dict[str, Any]:
    return sandbox.api("GET", f"{kind}/{rule['id']}/").json()


@each_kind
def test_a_rule_from_its_creation_to_its_end(fresh: SandboxProcess, kind: str) -> None:
    rule = create(fresh, kind, id=UNKNOWN, disabled_data={"message": "x"})

    assert sorted(rule) == sorted([*FIELDS[kind], "disabled_data", "created_at", "updated_at"])
    assert rule["id"] != UNKNOWN
    assert (rule["filters"], rule["disabled_data"], rule["order_key"]) == (FILTERS, None, 0)
    assert rule["created_at"] == rule["updated_at"]
    assert stored(fresh, kind, rule) == rule
    for method in ("PATCH", "PUT"):
        assert ask(fresh, f"{method} {kind}/{rule['id']}/", {"filters": OTHERS, "order_key": 9}) == (204, None)
        changed = stored(fresh, kind, rule)
        assert changed == rule | {"filters": OTHERS, "updated_at": changed["updated_at"]}
        assert changed["updated_at"] > rule["updated_at"]
        assert ask(fresh, f"{method} {kind}/{rule['id']}/", {"filters": None}) == (204, None)
        assert stored(fresh, kind, rule)["filters"] == OTHERS
    assert ask(fresh, f"DELETE {kind}/{rule['id']}/") == (204, None)
    assert ask(fresh, f"DELETE {kind}/{rule['id']}/") == not_found()
    assert ask(fresh, f"GET {kind}/{rule['id']}/") == not_found()


@each_kind
def test_reorder_decides_the_order_of_the_list(fresh: SandboxProcess, kind: str) -> None:
    before = [rule["id"] for rule in fresh.api("GET", f"{kind}/").json()["results"]]
    last = create(fresh, kind)

    orders = {last["id"]: -1, before[0]: "7", UNKNOWN: 3}
    assert ask(fresh, f"PATCH {kind}/reorder/", {"orders": orders}) == (204, None)

    after = fresh.api("GET", f"{kind}/").json()["results"]
    assert [rule["id"] for rule in after] == [last["id"], *before[1:], before[0]]
    assert after[0] == last | {"order_key": -1}  # updated_at stays


@each_kind
def test_a_list_in_pages_or_whole(running: SandboxProcess, kind: str) -> None:
    whole = running.api("GET", f"{kind}/").json()
    part = running.api("GET", f"{kind}/?limit=1&offset=1").json()

    assert len(whole["results"]) == 2
    if kind in PAGED:
        assert list(whole) == ["count", "next", "previous", "results"]
        assert (part["count"], part["results"]) == (2, whole["results"][1:])
    else:
        assert list(whole) == ["results"]
        assert part == whole


@each_kind
@pytest.mark.parametrize(
    ("request_", "body", "key", "answer"),
    [
        ("POST {kind}/", {}, READ_ONLY, NO_WRITE),
        ("PATCH {kind}/{id}/", {}, READ_ONLY, NO_WRITE),
        ("PUT {kind}/{id}/", {}, READ_ONLY, NO_WRITE),
        ("DELETE {kind}/{id}/", None, READ_ONLY, NO_WRITE),
        ("PATCH {kind}/reorder/", {"orders": {}}, READ_ONLY, NO_WRITE),
        ("GET {kind}/", None, "phx_sandbox_nothing_key", NO_READ),
        ("GET {kind}/no-uuid/", None, None, SERVER_ERROR),
        ("PATCH {kind}/no-uuid/", {}, None, SERVER_ERROR),
        ("PATCH {kind}/{id}/", {}, None, not_found()),
        ("PATCH {kind}/reorder/", {}, None, required("orders")),
        ("PATCH {kind}/reorder/", {"orders": None}, None, null("orders")),
        (
            "PATCH {kind}/reorder/",
            {"orders": []},
            None,
            invalid("not_a_dict", 'Expected a dictionary of items but got type "list".', "orders"),
        ),
        (
            "PATCH {kind}/reorder/",
            {"orders": {UNKNOWN: "first"}},
            None,
            invalid("invalid_input", "A valid integer is required.", f"orders__{UNKNOWN}"),
        ),
        ("PATCH {kind}/reorder/", {"orders": {"no-uuid": 1}}, None, SERVER_ERROR),
    ],
)
def test_what_every_kind_refuses(
    running: SandboxProcess, kind: str, request_: str, body: Any, key: str | None, answer: Answer
) -> None:
    assert ask(running, request_.replace("{kind}", kind).replace("{id}", UNKNOWN), body, key=key) == answer


PAYLOAD = invalid("invalid_input", "Invalid filters payload.", "filters")


@pytest.mark.parametrize(
    ("kind", "body", "answer"),
    [
        ("grouping_rules", {}, required("filters")),
        ("grouping_rules", {"filters": None}, null("filters")),
        ("grouping_rules", {"filters": []}, invalid("invalid_input", "Expected a JSON object.", "filters")),
        ("grouping_rules", {"filters": {"type": "XOR", "values": []}}, PAYLOAD),
        (
            "grouping_rules",
            {"filters": EMPTY},
            invalid("invalid_input", "Filters must contain at least one filter value.", "filters"),
        ),
        ("grouping_rules", {"filters": FILTERS, "assignee": {"type": "user"}}, required("assignee__id")),
        ("grouping_rules", {"filters": FILTERS, "assignee": {"type": "user", "id": 99}}, SERVER_ERROR),
        (
            "grouping_rules",
            {"filters": FILTERS, "description": 5},
            invalid("invalid_input", "Not a valid string.", "description"),
        ),
        ("suppression_rules", {"filters": 5}, invalid("invalid_input", "Expected an object.", "filters")),
        ("suppression_rules", {"filters": {"type": "AND"}}, invalid("invalid_input", "Invalid filters", "filters")),
        ("suppression_rules", {"filters": {"values": [5]}}, PAYLOAD),
        (
            "suppression_rules",
            {"sampling_rate": 1.5},
            invalid("max_value", "Ensure this value is less than or equal to 1.0.", "sampling_rate"),
        ),
        (
            "suppression_rules",
            {"sampling_rate": -0.1},
            invalid("min_value", "Ensure this value is greater than or equal to 0.0.", "sampling_rate"),
        ),
        (
            "suppression_rules",
            {"sampling_rate": "all"},
            invalid("invalid_input", "A valid number is required.", "sampling_rate"),
        ),
        ("bypass_rules", {}, required("filters")),
        (
            "bypass_rules",
            {"filters": NOTHING},
            invalid("invalid_input", "A bypass rule must have at least one filter.", "filters"),
        ),
        ("severity_rules", {"severity": "high"}, required("filters")),
        ("severity_rules", {"filters": FILTERS}, required("severity")),
        ("severity_rules", {"filters": FILTERS, "severity": None}, null("severity")),
        ("severity_rules", {"filters": FILTERS, "severity": "urgent"}, choice("urgent", "severity")),
        (
            "severity_rules",
            {"filters": FILTERS, "severity": "low", "order_key": "x"},
            invalid("invalid_input", "A valid integer is required.", "order_key"),
        ),
    ],
)
def test_what_one_kind_refuses(running: SandboxProcess, kind: str, body: Any, answer: Answer) -> None:
    before = running.api("GET", f"{kind}/").json()

    assert ask(running, f"POST {kind}/", body) == answer
    assert running.api("GET", f"{kind}/").json() == before


def test_an_update_looks_at_the_body_first(running: SandboxProcess) -> None:
    for kind in GOOD:
        assert ask(running, f"PATCH {kind}/{UNKNOWN}/", {"filters": {"values": [5]}}) == PAYLOAD


def test_grouping_rules_have_an_assignee_and_a_description(fresh: SandboxProcess) -> None:
    role = {"type": "role", "id": ROLE}
    rule = create(fresh, "grouping_rules", assignee=role, description="", order_key=5)
    plain = create(fresh, "grouping_rules", assignee=None, description=None)

    assert (rule["assignee"], rule["description"], rule["issue"], rule["order_key"]) == (role, "", None, 0)
    assert (plain["assignee"], plain["description"]) == (None, None)
    # An update takes filters only.
    assert ask(fresh, f"PATCH grouping_rules/{rule['id']}/", {"assignee": USER, "description": "x"}) == (204, None)
    again = stored(fresh, "grouping_rules", rule)
    assert (again["assignee"], again["description"]) == (role, "")


def test_suppression_rules_match_all_unless_said(fresh: SandboxProcess) -> None:
    every = {"type": "AND", "values": []}
    either = {"type": "OR", "values": []}
    for body, filters in (({}, every), ({"filters": None}, every), ({"filters": either}, either)):
        status, rule = ask(fresh, "POST suppression_rules/", body)
        assert (status, rule["filters"], rule["sampling_rate"]) == (201, filters, 1.0)
    payload = invalid("invalid_input", "Invalid filters payload.", "filters")
    assert ask(fresh, "POST suppression_rules/", {"filters": {"values": []}}) == payload
    half = create(fresh, "suppression_rules", sampling_rate=0.5)
    assert ask(fresh, f"PATCH suppression_rules/{half['id']}/", {"sampling_rate": 0}) == (204, None)
    again = stored(fresh, "suppression_rules", half)
    assert (again["filters"], again["sampling_rate"]) == (FILTERS, 0.0)


def test_severity_rules_have_a_place_and_keep_what_is_not_given(fresh: SandboxProcess) -> None:
    rule = create(fresh, "severity_rules", order_key="4")
    assert rule["order_key"] == 4
    assert ask(fresh, f"PATCH severity_rules/{rule['id']}/", {"severity": "low"}) == (204, None)
    again = stored(fresh, "severity_rules", rule)
    assert (again["severity"], again["filters"], again["order_key"]) == ("low", FILTERS, 4)
    assert ask(fresh, f"PATCH severity_rules/{rule['id']}/", {"severity": "urgent"}) == choice("urgent", "severity")


def test_which_updates_enable_a_rule_again() -> None:
    broken = {"message": "invalid regex"}
    rules = {
        kind: [{"id": UNKNOWN.replace("dead", f"de{n:02}"), **GOOD[kind], "disabled_data": broken}]
        for n, kind in enumerate(GOOD)
    }
    with SandboxProcess({"projects": [{"id": 1}], **rules}) as sandbox:
        for kind, (rule,) in rules.items():
            path = f"{kind}/{rule['id']}/"
            assert sandbox.api("GET", path).json()["disabled_data"] == broken
            assert sandbox.api("PUT" if kind == "suppression_rules" else "PATCH", path, {}).status_code == 204
            kept = sandbox.api("GET", path).json()["disabled_data"]
            assert kept == (broken if kind == "severity_rules" else None)
            assert sandbox.api("PATCH", path, {"filters": OTHERS}).status_code == 204
            assert sandbox.api("GET", path).json()["disabled_data"] is None


def test_a_project_has_at_most_a_hundred_severity_rules() -> None:
    seed = {"projects": [{"id": 1}], "severity_rules": [{"severity": "low"}] * 100}
    with SandboxProcess(seed) as sandbox:
        refused = ask(sandbox, "POST severity_rules/", {"filters": FILTERS, "severity": "low"})
        assert refused == invalid("invalid_input", "A project can have at most 100 severity rules.")
        assert len(sandbox.api("GET", "severity_rules/").json()["results"]) == 100


def test_a_severity_rule_has_at_most_ten_thousand_operations() -> None:
    def filters(count: int) -> dict[str, Any]:
        values = [str(number) for number in range(count)]
        return {"type": "AND", "values": [{"key": "$lib", "type": "event", "operator": "exact", "value": values}]}

    too_long = invalid("invalid_input", "Severity rule bytecode cannot exceed 10000 operations.")
    with SandboxProcess({"projects": [{"id": 1}]}) as sandbox:
        assert ask(sandbox, "POST severity_rules/", {"filters": filters(5000), "severity": "low"}) == too_long
        status, rule = ask(sandbox, "POST severity_rules/", {"filters": filters(4900), "severity": "low"})
        assert status == 201
        assert ask(sandbox, f"PATCH severity_rules/{rule['id']}/", {"filters": filters(5000)}) == too_long
        assert ask(sandbox, f"GET severity_rules/{rule['id']}/") == (200, rule)
        assert ask(sandbox, "POST bypass_rules/", {"filters": filters(5000)})[0] == 201
        assert len(sandbox.api("GET", "severity_rules/").json()["results"]) == 1
