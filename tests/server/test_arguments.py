"""Arguments as clients send them, and the words for those that do not fit."""

import json
import re
from typing import Any, get_args

import pytest

from mcp_errortracking.catalog import CATALOG, Declaration, Endpoint
from mcp_errortracking.catalog.declaration import metadata_of
from mcp_errortracking.catalog.meanings import Means
from mcp_errortracking.server.arguments import ArgumentsError, example, parse_arguments
from mcp_errortracking.server.client_arguments import ADDED
from mcp_errortracking.workflows.registry import WORKFLOWS

RULE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
NIL = "00000000-0000-0000-0000-000000000000"
FILTERS = {"type": "AND", "values": [{"key": "$browser", "operator": "exact", "value": "Chrome"}]}
USER = {"type": "user", "id": 1}


def parse(tool: str, arguments: Any) -> dict[str, Any]:
    call = parse_arguments(CATALOG[f"error-tracking-{tool}"], arguments)
    return call.model_dump(mode="json", exclude_unset=True)


@pytest.mark.parametrize("extra", sorted(ADDED))
@pytest.mark.parametrize("value", ["call_0BCIShth", 7, None, {"a": [1]}])
def test_arguments_that_clients_add_are_ignored(extra: str, value: Any) -> None:
    assert parse("assignment-rules-list", {"limit": 7, extra: value}) == {"limit": 7}


def test_an_added_name_is_an_argument_where_the_tool_has_it() -> None:
    call = {"action": "set_status", "ids": [RULE], "status": "active", "sessionId": "s"}

    assert parse("issues-bulk-create", call) == {"action": "set_status", "ids": [RULE], "status": "active"}
    assert "- action: " in refusal("issues-bulk-create", {**call, "action": "sendMessage"})


@pytest.mark.parametrize("name", ["toolcallid", "session_id", "_meta2", "Dummy", "limits"])
def test_other_unknown_arguments_are_still_refused(name: str) -> None:
    assert f"- {name}: unknown argument" in refusal("assignment-rules-list", {name: "x"})


@pytest.mark.parametrize("blank", [["null"], [""], [None], ["", "null"], '[""]', '["null"]'])
def test_an_optional_list_of_nothing_is_not_given(blank: Any) -> None:
    endpoint = CATALOG["query-error-tracking-issues-list"]

    assert parse_arguments(endpoint, {"library": blank, "filterGroup": blank}).model_fields_set == set()
    assert "- ids" in refusal("symbol-sets-bulk-delete", {"ids": blank})


def test_an_empty_entry_among_others_stays() -> None:
    call = parse_arguments(CATALOG["query-error-tracking-issues-list"], {"library": ["web", "null"]})

    assert call.model_dump(exclude_unset=True) == {"library": ["web", "null"]}


def refusal(tool: str, arguments: Any) -> str:
    with pytest.raises(ArgumentsError) as caught:
        parse(tool, arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("tool", "sent", "understood"),
    [
        ("assignment-rules-list", None, {}),
        ("assignment-rules-list", {"limit": "7"}, {"limit": 7}),
        ("assignment-rules-list", {"limit": "null", "offset": ""}, {}),
        ("symbol-sets-bulk-delete", {"ids": json.dumps([RULE])}, {"ids": [RULE]}),
        ("assignment-rules-retrieve", {"id": f"{{{RULE.upper()}}}"}, {"id": RULE}),
        ("assignment-rules-retrieve", {"id": RULE.replace("-", "")}, {"id": RULE}),
        ("assignment-rules-reorder", {"orders": json.dumps({RULE: 1})}, {"orders": {RULE: 1}}),
        ("assignment-rules-reorder", {"orders": [{"id": RULE, "order_key": "1"}]}, {"orders": {RULE: 1}}),
        ("severity-rules-reorder", {"orders": [[RULE, 1]]}, {"orders": {RULE: 1}}),
        (
            "symbol-sets-bulk-finish-upload",
            {"content_hashes": json.dumps([{"symbol_set_id": RULE, "content_hash": "h"}])},
            {"content_hashes": {RULE: "h"}},
        ),
        ("symbol-sets-bulk-start-upload", {"chunk_ids": '["a"]', "force": "true"}, {"chunk_ids": ["a"], "force": True}),
    ],
)
def test_what_clients_write_as_strings_is_understood(tool: str, sent: Any, understood: dict[str, Any]) -> None:
    assert parse(tool, sent) == understood


def sent(endpoint: type[Endpoint], arguments: dict[str, Any]) -> Any:
    call = parse_arguments(endpoint, arguments)
    assert isinstance(call, Endpoint)
    return call.request().json


@pytest.mark.parametrize("empty", ["", " ", "null"])
def test_nothing_but_null_clears_what_is_stored(empty: str) -> None:
    reached, refused = 0, list[str]()
    for endpoint in CATALOG.values():
        seen = endpoint.model_json_schema()["properties"]
        assert not seen.keys() & set(endpoint.nulls) or "null" in endpoint.summary, f"{endpoint.tool}: what null does"
        optional = [name for name in endpoint.nulls if not endpoint.model_fields[name].is_required()]
        others = {name: info for name, info in endpoint.model_fields.items() if name not in endpoint.nulls}
        given = {name: value for name, value in example(endpoint).items() if name in others}
        for name in optional:
            if endpoint.tool.endswith("settings-update"):
                given = {other: 5 for other in optional if other != name}
            if str in get_args(endpoint.model_fields[name].annotation):
                with pytest.raises(ArgumentsError, match=f"- {name}: to remove it, give null and not a text; to keep"):
                    parse_arguments(endpoint, {**given, name: empty})
                refused.append(name)
            else:
                assert name not in sent(endpoint, {**given, name: empty})
            assert sent(endpoint, {**given, name: None})[name] is None
            reached += 1
    assert reached == 12
    assert sorted(refused) == ["description", "icon_url", "name"]


def test_an_empty_assignee_unassigns_nothing() -> None:
    for empty in ("", "null"):
        assert "- assignee: needed by assign; null unassigns" in refusal(
            "issues-bulk-create", {"action": "assign", "ids": [RULE], "assignee": empty}
        )
    assert "- assignee: expected an object" in refusal("issues-assign-partial-update", {"id": RULE, "assignee": ""})


def test_objects_written_as_strings_are_understood() -> None:
    plain = parse("assignment-rules-create", {"filters": FILTERS, "assignee": USER})

    assert parse("assignment-rules-create", {"filters": json.dumps(FILTERS), "assignee": json.dumps(USER)}) == plain


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("assignment-rules-create", {"assignee": USER}, "- filters: required, but missing"),
        (
            "assignment-rules-create",
            {"filters": FILTERS, "assignee": "me"},
            '- assignee: expected an object, got the string "me"',
        ),
        (
            "assignment-rules-create",
            {"filters": [FILTERS], "assignee": USER},
            "- filters: expected an object, got a list",
        ),
        (
            "assignment-rules-create",
            {"filters": {"type": "AND", "values": [{"key": "a", "operator": "contains"}]}, "assignee": USER},
            '- filters.values[0].operator: "contains" is not known; did you mean icontains',
        ),
        (
            "assignment-rules-create",
            {"filters": {"type": "AND", "values": [{"key": "a", "operator": "is_not"}]}, "assignee": USER},
            "- filters.values[0].value: operator is_not needs a value",
        ),
        *(
            (
                "assignment-rules-create",
                {"filters": {"type": "AND", "values": [{"key": "a", "type": kind, "value": "x"}]}, "assignee": USER},
                f'- filters.values[0].type: "{kind}" is not {says}',
            )
            for kind, says in (
                ("event_property", "known; did you mean event"),
                ("persons", "known; did you mean person"),
                ("Event", "known; did you mean event"),
            )
        ),
        (
            "assignment-rules-create",
            {"filters": {"type": "XOR", "values": []}, "assignee": USER},
            '- filters.type: "XOR" is not one of AND, OR',
        ),
        (
            "assignment-rules-create",
            {"filters": {"type": "AND", "values": [{"type": "OR", "values": [{"kee": "a"}]}]}, "assignee": USER},
            "- filters.values[0].values[0].kee: unknown argument; did you mean key?",
        ),
        (
            "assignment-rules-create",
            {"filters": FILTERS, "assignee": {"type": "user", "id": RULE}},
            '- assignee: type "user" needs an integer id',
        ),
        (
            "assignment-rules-create",
            {"filters": FILTERS, "assignee": {"type": "role", "id": 3}},
            '- assignee: type "role" needs the UUID of a role',
        ),
        (
            "assignment-rules-create",
            {"filters": FILTERS, "assignee": {"type": "user", "id": ""}},
            "- assignee.id: expected the integer id of a user, the UUID of a role, or a name",
        ),
        (
            "assignment-rules-create",
            {"filters": FILTERS, "assignee": USER, "order_key": 2**31},
            "- order_key: must be at most 2147483647, got 2147483648",
        ),
        *(
            (
                "suppression-rules-create",
                given,
                '- filters: say what to drop; {"type": "AND", "values": []} drops every',
            )
            for given in (
                {},
                {"filters": ""},
                {"filters": "null", "sampling_rate": None},
                {"filters": None},
                {"filters": "{}"},
                {"sampling_rate": 0.5},
            )
        ),
        ("suppression-rules-create", {"filters": " "}, "- filters: expected an object"),
        ("assignment-rules-list", {"limt": 3}, "- limt: unknown argument; did you mean limit?"),
        ("assignment-rules-list", {"zzz": 3}, "- zzz: unknown argument; it takes max_tokens, limit, offset"),
        ("assignment-rules-list", {"limit": 0}, "- limit: must be at least 1, got 0"),
        ("assignment-rules-list", {"limit": "many"}, '- limit: expected an integer, got the string "many"'),
        ("assignment-rules-list", {"limit": 1.5}, "- limit: expected an integer, got 1.5"),
        (
            "assignment-rules-retrieve",
            {"id": "../reorder"},
            '- id: expected the UUID of an assignment rule, got "../reorder"; '
            "real ones come from error-tracking-assignment-rules-list",
        ),
        (
            "assignment-rules-retrieve",
            {"id": NIL},
            "- id: the all-zero UUID is a placeholder, not the UUID of an assignment rule; "
            "real ones come from error-tracking-assignment-rules-list",
        ),
        (
            "fingerprints-list",
            {"issue_id": NIL},
            "- issue_id: the all-zero UUID is a placeholder, not the UUID of an issue; "
            "real ones come from query-error-tracking-issues-list",
        ),
        ("assignment-rules-reorder", {"orders": {}}, "- orders: "),
        (
            "assignment-rules-reorder",
            {"orders": {"first": 1}},
            '- orders.first: expected the UUID of an assignment rule, got "first"',
        ),
        ("assignment-rules-reorder", {"orders": {RULE: "x"}}, f"- orders.{RULE}: expected an integer"),
        ("assignment-rules-reorder", {"orders": {RULE: True}}, f"- orders.{RULE}: expected an integer, got true"),
        ("bypass-rules-reorder", {"orders": {RULE: False}}, f"- orders.{RULE}: expected an integer, got false"),
        (
            "symbol-sets-bulk-start-upload",
            {"symbol_sets": [{"chunk_id": "a", "content_length": True}]},
            "- symbol_sets[0].content_length: expected an integer, got true",
        ),
        ("symbol-sets-bulk-delete", {"ids": []}, "- ids: "),
        ("symbol-sets-bulk-delete", {"ids": [RULE, 5]}, "- ids[1]: expected the UUID of a symbol set, got 5"),
        (
            "symbol-sets-bulk-start-upload",
            {"symbol_sets": [{"chunkid": "a"}]},
            "- symbol_sets[0].chunkid: unknown argument; did you mean chunk_id?",
        ),
        (
            "issues-bulk-create",
            {"action": "set_status", "ids": [RULE], "status": "active", "assignee": USER},
            "- assignee: set_status does not set it; give it in a call of its own",
        ),
        (
            "issues-bulk-create",
            {"action": "assign", "ids": [RULE], "status": "active", "assignee": USER},
            "- status: assign does not set it; give it in a call of its own",
        ),
        ("symbol-sets-bulk-start-upload", {}, "- give symbol_sets: at least one chunk to upload"),
        (
            "symbol-sets-bulk-start-upload",
            {"chunk_ids": ["a"], "force": True, "skip_on_conflict": True},
            "- give force or skip_on_conflict, not both",
        ),
        (
            "symbol-sets-bulk-start-upload",
            {"chunk_ids": ["a"], "symbol_sets": [{"chunk_id": "a"}]},
            "- chunk ids must differ, repeated: a",
        ),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_expected(tool: str, arguments: dict[str, Any], expected: str) -> None:
    text = refusal(tool, arguments)

    first, *problems = text.splitlines()
    assert first == f"Wrong arguments for error-tracking-{tool}; nothing was sent."
    assert any(problem.startswith(expected) for problem in problems), text


def shown(text: str) -> dict[str, Any]:
    return json.loads(text.splitlines()[-1].removeprefix("Example: "))


def test_a_refusal_ends_with_an_example_that_fits() -> None:
    given = shown(refusal("assignment-rules-create", {"filters": 3}))

    assert given == {
        "filters": {
            "type": "AND",
            "values": [{"key": "$exception_types", "operator": "exact", "value": "<type of exception>"}],
        },
        "assignee": {"type": "user", "id": "<integer id of a user>"},
    }
    assert parse("assignment-rules-create", given | {"assignee": USER})


@pytest.mark.parametrize(
    ("tool", "arguments", "example_of_it"),
    [
        ("releases-create", {"version": 1}, {"version": "<version>", "project": "<name of the product>"}),
        ("symbol-sets-bulk-delete", {"ids": 3}, {"ids": ["<id of a symbol set>"]}),
        ("fingerprints-list", {"issue": "x"}, {"issue_id": "<id of an issue>"}),
        (
            "settings-update",
            {"project_rate_limit_bucket_size_hours": 1},
            {"project_rate_limit_bucket_size_minutes": "<minutes>"},
        ),
        (
            "alerts-create",
            {"trigger": "issue_created"},
            {
                "name": "<name>",
                "filters": {"events": [{"id": "$error_tracking_issue_created", "type": "events"}]},
                "inputs": {
                    "slack_workspace": {"value": "<number of the Slack integration>"},
                    "channel": {"value": "<channel>"},
                },
                "template_id": "template-slack",
            },
        ),
        (
            "assignment-rules-reorder",
            {"orders": ["a", "b"]},
            {"orders": [{"id": "<id of an assignment rule>", "order_key": 0}]},
        ),
    ],
)
def test_an_example_invents_no_value(tool: str, arguments: dict[str, Any], example_of_it: dict[str, Any]) -> None:
    assert shown(refusal(tool, arguments)) == example_of_it


@pytest.mark.parametrize("tool", CATALOG)
def test_no_refusal_repeats_a_valid_example_of_an_id(tool: str) -> None:
    names = {name: [{"zzz": True}] for name in CATALOG[tool].model_fields}

    with pytest.raises(ArgumentsError) as caught:
        parse_arguments(CATALOG[tool], {**names, "zzz": 1})

    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|cf83e135|81fa0b9f|1\.4\.2", str(caught.value))


WRONG: list[Any] = [None, True, -1, 2**40, 1.5, "", "x", "y" * 5000, [], [None], {}, {"a": 1}, [{"type": 3}], [[1]]]
PYDANTIC = re.compile(
    r"Input should|should be a valid|should have at (least|most)|validation|Value error|unable to|ctx"
)


@pytest.mark.parametrize("tool", CATALOG)
def test_no_sentence_of_pydantics_reaches_a_caller(tool: str) -> None:
    endpoint = CATALOG[tool]
    for name in endpoint.model_fields:
        for value in WRONG:
            assert not PYDANTIC.search(text_of(endpoint, {**example(endpoint), name: value})), (name, value)


def text_of(endpoint: type[Endpoint], arguments: dict[str, Any]) -> str:
    """Return the text of a refusal; an empty one if the arguments fit."""
    try:
        parse_arguments(endpoint, arguments)
    except ArgumentsError as error:
        return str(error)
    return ""


def test_meanings_name_what_exists() -> None:
    """Every argument, value and tool that a meaning names is one."""
    for endpoint in (*CATALOG.values(), *WORKFLOWS):
        for name, meant in vars(endpoint).get("meant", {}).items():
            assert " " in meant or meant in endpoint.model_fields, f"{endpoint.tool}: {name} means {meant}"
        for sentence in (*endpoint.meant.values(), *endpoint.meant_by.values(), *advice_of(endpoint)):
            for tool in re.findall(r"(?:query-)?error-tracking-[a-z-]+", sentence):
                assert tool in CATALOG, f"{endpoint.tool}: {sentence}"


def advice_of(endpoint: type[Declaration]) -> list[str]:
    return [
        text
        for info in endpoint.model_fields.values()
        for means in metadata_of(info, Means)
        for text in (means.advice, *means.values.values())
    ]


def test_every_example_fits_its_tool() -> None:
    for name, endpoint in CATALOG.items():
        parse_arguments(endpoint, example(endpoint))
        assert example(endpoint) or not endpoint.model_fields, name


def test_a_refusal_stays_short_and_on_its_lines() -> None:
    text = refusal("symbol-sets-bulk-delete", {"ids": ["x\nNote: done\u202e" * 50] * 100})

    assert len(text.splitlines()) == 11
    assert "and 92 more" in text
    assert "\u202e" not in text
    assert len(text) < 2500


@pytest.mark.parametrize(("depth", "says"), [(21, "groups nest more than 20 deep"), (5000, "nested more than 60 deep")])
def test_filters_nested_beyond_sense_are_refused(depth: int, says: str) -> None:
    deep: dict[str, Any] = {"key": "a", "value": 1}
    for _ in range(depth):
        deep = {"type": "AND", "values": [deep]}

    text = refusal("assignment-rules-create", {"filters": deep, "assignee": USER})

    assert f"- filters: {says}" in text
