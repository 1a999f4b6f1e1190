"""Arguments of every size and shape: refused with an explanation, in bounded work, and nothing is sent."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from mcp import MCPError
from mcp_types import INVALID_PARAMS, PromptReference, ResourceTemplateReference
from pydantic_core import from_json

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.catalog.identifiers import issue_of_url
from mcp_errortracking.rules.notes import notes
from mcp_errortracking.server import client_arguments
from mcp_errortracking.server.argument_limits import MAX_ENTRIES, MAX_TEXT
from mcp_errortracking.server.arguments import ArgumentsError, parse_arguments
from mcp_errortracking.server.prompts import Prompts
from mcp_errortracking.server.selection import SelectionError
from mcp_errortracking.server.tool_names import nearest_tools
from mcp_errortracking.server.toolbox import EVERY_TOOL, Toolbox, UnknownToolError
from tests.calls import call_tool
from tests.hostile.arguments import ID, hostile, oversized
from tests.hostile.steps import count_calls
from tests.server.test_calls import Sender
from tests.server.test_lists import client_on

MAX_STEPS = 150_000
"""Functions that one refusal may enter; a valid call of 10,000 ids enters a fifth of that."""
SIZE = 9999

pytestmark = pytest.mark.anyio


def refused(tool: str, arguments: dict[str, Any]) -> str:
    with pytest.raises(ArgumentsError) as caught:
        parse_arguments(EVERY_TOOL.find(tool), arguments)
    text = str(caught.value)
    assert len(text) < 8000
    assert text.encode()
    return text


@pytest.mark.parametrize("case", hostile(3))
def test_wrong_arguments_cost_work_in_proportion_to_their_size(case: str) -> None:
    tool, arguments, says = hostile(SIZE)[case]
    assert says in refused(tool, arguments)
    small, half = hostile(100)[case], hostile(SIZE // 2)[case]
    refused(*small[:2])  # what is built once, at the first call

    whole = count_calls(lambda: refused(tool, arguments))

    assert whole < MAX_STEPS
    assert whole < 2.2 * count_calls(lambda: refused(*half[:2])) + 1000


@pytest.mark.parametrize("case", oversized())
async def test_arguments_beyond_a_bound_are_refused_after_a_few_steps(case: str) -> None:
    tool, arguments, says = oversized()[case]
    sender = Sender({})

    reply = await call_tool(sender, tool, arguments, time_limit=20)

    assert reply.is_error
    assert reply.structured == {"error": {"code": "invalid_arguments"}}
    assert says in reply.text
    assert sender.sent == []
    assert count_calls(lambda: refused(tool, arguments)) < 2000


def places(schema: dict[str, Any], shapes: dict[str, Any], depth: int = 0) -> Iterator[tuple[list[str | int], str]]:
    """The texts, lists and objects of a schema, each with the way there."""
    if "$ref" in schema:
        if depth < 4:
            yield from places(shapes[schema["$ref"].rpartition("/")[2]], shapes, depth + 1)
        return
    for choice in schema.get("anyOf", schema.get("oneOf", [])):
        yield from places(choice, shapes, depth + 1)
    kind = schema.get("type")
    if kind in ("string", "array", "object"):
        yield [], kind
    if isinstance(schema.get("items"), dict):
        for way, inner in places(schema["items"], shapes, depth + 1):
            yield [0, *way], inner
    for name, field in schema.get("properties", {}).items():
        for way, inner in places(field, shapes, depth + 1):
            yield [name, *way], inner
    if isinstance(schema.get("additionalProperties"), dict):
        for way, inner in places(schema["additionalProperties"], shapes, depth + 1):
            yield ["member", *way], inner


def filled(way: list[str | int], value: Any) -> Any:
    for step in reversed(way):
        value = [value] if isinstance(step, int) else {step: value}
    return value


TOO_LARGE: dict[str, tuple[Any, str]] = {
    "string": ("x" * (MAX_TEXT + 1), f"a text of {MAX_TEXT + 1} characters"),
    "array": ([0] * (MAX_ENTRIES + 1), f"{MAX_ENTRIES + 1} entries"),
    "object": ({f"k{number}": 0 for number in range(MAX_ENTRIES + 1)}, f"{MAX_ENTRIES + 1} entries"),
}


@pytest.mark.parametrize("tool", EVERY_TOOL.names)
def test_every_text_list_and_object_of_every_tool_has_a_bound(tool: str) -> None:
    schema = EVERY_TOOL.find(tool).model_json_schema()
    for way, kind in places({**schema, "type": None}, schema.get("$defs", {})):
        value, says = TOO_LARGE[kind]
        assert f"{way[0]}: {says}" in refused(tool, cast("dict[str, Any]", filled(way, value)))


@pytest.mark.parametrize("as_text", [False, True])
def test_calls_of_thousands_of_ids_are_taken(as_text: bool) -> None:
    ids = [f"01936f2e-7a51-7000-8000-{number:012x}" for number in range(MAX_ENTRIES)]
    given = "[" + ",".join(f'"{one}"' for one in ids) + "]" if as_text else ids

    call = parse_arguments(EVERY_TOOL.find("error-tracking-symbol-sets-bulk-delete"), {"ids": given})

    assert call.model_dump(mode="json")["ids"] == ids


@pytest.mark.parametrize(
    "name",
    ["e" * 400_000, "\x00a" * 200_000, "error-tracking-" * 30_000, "-" * 400_000, "phx_" + "k" * 400_000, "\ud800"],
)
def test_an_unknown_name_of_any_length_is_answered_in_bounded_work(name: str) -> None:
    def find() -> str:
        with pytest.raises(UnknownToolError) as caught:
            EVERY_TOOL.find(name)
        return str(caught.value)

    text = find()
    assert len(text) < 400
    assert text.encode()
    assert "kkkk" not in text
    assert count_calls(find) < MAX_STEPS
    with pytest.raises(SelectionError):
        Toolbox(toolsets=(name,))


def test_a_long_name_is_compared_by_its_beginning() -> None:
    near = nearest_tools("error-tracking-fingerprint-list" + "x" * 400_000, CATALOG)

    assert near[0] == "error-tracking-fingerprints-list"


def test_only_the_address_of_an_issue_is_taken_for_one() -> None:
    page = f"https://us.posthog.com/project/1/error_tracking/{ID}"
    assert [issue_of_url(f"{page}{end}") for end in ("", "/", "?a=b", "#c", " ")] == [ID] * 5
    for wrong in (f"{page} x", f"{page}0", f"x {page}", page + "?" + "a" * 4000, f"https://x\n/error_tracking/{ID}"):
        assert issue_of_url(wrong) == wrong


def test_a_prompt_takes_no_more_arguments_than_it_has() -> None:
    prompts = Prompts(EVERY_TOOL.names)

    def get(name: str, arguments: dict[str, str]) -> str:
        try:
            return str(prompts.get(name, arguments))
        except ValueError as error:
            return str(error)

    many = {f"phx_{number:09}": "x" for number in range(100_000)}
    assert "has no argument [key], [key], [key]; it takes issue" in get("investigate", many)
    assert count_calls(lambda: get("investigate", many)) < 2000
    for text in (get("x" * 4_000_000, {}), get("investigate", {"x" * 4_000_000: "x"})):
        assert len(text) < 400
    assert len(get("investigate", {"issue": "\x00 a" * 1_000_000})) < 6000


async def test_uris_and_values_to_complete_are_cut() -> None:
    sender = Sender({"results": []})
    async with client_on(sender, toolbox=EVERY_TOOL) as client:
        for uri in ("posthog://issues/" + "x" * 1_000_000, "y" * 1_000_000, "posthog://phx_" + "k" * 1_000_000):
            with pytest.raises(MCPError) as caught:
                await client.read_resource(uri)
            assert caught.value.code == INVALID_PARAMS
            assert len(str(caught.value.error.model_dump())) < 1000
            assert "kkkk" not in str(caught.value.error.model_dump())
        typed = {"name": "issue", "value": "z" * 1_000_000}
        for ref in (
            PromptReference(type="ref/prompt", name="investigate"),
            ResourceTemplateReference(type="ref/resource", uri="posthog://issues/{id}"),
        ):
            found = await client.complete(ref, typed)
            assert found.completion.values == []
    assert {path for _, path in sender.sent} <= {"error_tracking/query/issues/", "api/personal_api_keys/@current/"}


@pytest.mark.parametrize("form", ["value", "member", "text", "text of a member"])
@pytest.mark.parametrize("number", ["1e999", "-1e999"])
async def test_numbers_that_json_cannot_send_are_refused(form: str, number: str) -> None:
    infinite = from_json(number)
    entry: Any = {"type": "AND", "values": [{"key": "a", "value": [infinite], "operator": "exact", "type": "event"}]}
    as_text = f'{{"type": "AND", "values": [{{"key": "a", "value": {number}, "operator": "gt", "type": "event"}}]}}'
    forms = {"value": ("limit", infinite), "member": ("filterGroup", [entry])}
    name, value = forms.get(form) or ("filterGroup", as_text if form == "text" else f"[{as_text}]")
    sender = Sender({})

    reply = await call_tool(sender, "query-error-tracking-issues-list", {name: value}, time_limit=20)

    assert reply.structured == {"error": {"code": "invalid_arguments"}}
    assert f"{name}: NaN, infinity or a number too large for JSON; give a finite number" in reply.text
    assert sender.sent == []


def test_a_text_with_nan_is_not_read_as_json() -> None:
    assert "filterGroup: " in refused("query-error-tracking-issues-list", {"filterGroup": '[{"value": NaN}]'})
    assert client_arguments._object_of('{"limit": NaN}') is None  # pyright: ignore[reportPrivateUsage]
    assert client_arguments._object_of('{"limit": 1}') == {"limit": 1}  # pyright: ignore[reportPrivateUsage]


async def test_patterns_of_any_size_cost_bounded_work() -> None:
    patterns = ["(a*)*" * 10_000 + str(number) for number in range(9)]
    values = [{"key": "a", "value": one, "operator": "regex", "type": "event"} for one in patterns]
    arguments = {"filters": {"type": "AND", "values": values}, "assignee": {"type": "user", "id": 1}}

    def call() -> Any:
        return parse_arguments(EVERY_TOOL.find("error-tracking-assignment-rules-create"), arguments)

    call()

    assert count_calls(call) < 2000
    (note,) = notes(arguments["filters"])
    assert note.endswith("or too long patterns, to check at once. Use fewer conditions and shorter patterns.")
