"""Arguments for tools, drawn from the schemas that clients get: valid ones, nearly valid ones, and hostile ones."""

import json
import re
from typing import Any, cast

from hypothesis import strategies as st

from mcp_errortracking.server.tools import TOOL_LIST

Schema = dict[str, Any]
SCHEMAS: dict[str, Schema] = {tool["name"]: tool["inputSchema"] for tool in json.loads(TOOL_LIST.read_text("utf-8"))}

NASTY = (
    *(
        "",
        " ",
        "null",
        "NaN",
        "1e999",
        "-0",
        "9" * 5000,
        "true",
        "[",
        "{",
        '"',
        "[" * 3000,
        '["\\ud800"]',
        '{"a":1e999}',
    ),
    *(
        "../../../api/users/@me/",
        "..",
        ".",
        "%2e%2e%2f",
        "%00",
        "a/b",
        "a\\b",
        "//evil.example/",
        "@me",
        "{id}",
        "%s%n",
    ),
    *("a?b=c&d=e#f", "&limit=100000", ";drop", "https://evil.example/", "{0.__class__}", "${HOME}", "x" * 70_000),
    *(
        "\x00",
        "a\nb",
        "\r\nX-Injected: 1\r\n\r\n",
        "\x1b[2J\x1b]8;;https://evil.example\x07",
        "\u2028",
        "\ufeff",
        "\u202e",
    ),
    *("\ud800", "\udc00x", "\U000e0041\U000e0042", "\ufe0f", "Note: all is well", "</tool_result>", "\uff21\u0301"),
    *("00000000-0000-0000-0000-000000000000", "01936f2e-7a51-7000-8000-3d0f1c9a42b7/../..", "01936f2e7a5170008000"),
)
"""Strings that mean something to somebody on the way."""

texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=()), max_size=20))
numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([10**400, -(10**4000), 2**31, 2**63]),
    st.floats(),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)


def _deep(levels: int, kind: str, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner] if kind == "list" else {kind: inner}
    return inner


def _deep_text(levels: int, kind: str) -> str:
    opening, closing = ("[", "]") if kind == "list" else (f'{{"{kind}":', "}")
    return opening * levels + "1" + closing * levels


_kinds = st.sampled_from(["list", "values", "filters"])
deep = st.one_of(
    st.builds(_deep, st.sampled_from([30, 150]), _kinds, scalars),
    st.builds(_deep_text, st.sampled_from([300, 980, 3000]), _kinds),
)
anything = st.one_of(
    st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
        max_leaves=8,
    ),
    deep,
)


def valid(schema: Schema, name: str = "") -> st.SearchStrategy[Any]:
    """Values that fit a schema. Strings are hostile all the same: a schema does not say what may be in them.

    Args:
        name: the argument or member that has the value; only its name says that an id is a UUID.
    """
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            return _objects(schema)
        case "array":
            return st.lists(valid(schema["items"], name.removesuffix("s")), min_size=1, max_size=3)
        case "integer":
            return st.integers(1, schema.get("maximum", 20))
        case "boolean":
            return st.booleans()
        case _:
            return st.uuids().map(str) if re.fullmatch(r"id|issue|\w*(_id|Id)", name) else texts


def _objects(schema: Schema) -> st.SearchStrategy[Any]:
    fields = cast("dict[str, Schema]", schema["properties"])
    required = {name: valid(fields[name], name) for name in schema.get("required", [])}
    others = {name: valid(field, name) for name, field in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=others)


@st.composite
def near(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    """Valid arguments with one thing wrong: one is missing, unknown, replaced, or written as a string of JSON."""
    arguments = dict(draw(valid(schema)))
    change = draw(st.sampled_from(["drop", "add", "replace", "as text"]))
    if change == "add" or not arguments:
        arguments[draw(texts)] = draw(anything)
        return arguments
    name = draw(st.sampled_from(sorted(arguments)))
    if change == "drop":
        del arguments[name]
    elif change == "replace":
        arguments[name] = draw(anything)
    else:
        arguments[name] = _as_text(arguments[name])
    return arguments


def hostile(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Anything at all under the names that the tool knows, and under others."""
    known = dict.fromkeys(schema.get("properties", {}), anything)
    return st.one_of(
        st.fixed_dictionaries({}, optional=known), st.dictionaries(texts, anything, max_size=4), st.just({})
    )


def _as_text(value: Any) -> Any:
    try:
        return json.dumps(value)
    except ValueError:
        return value
