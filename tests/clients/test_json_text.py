"""A client's JSON file: one member is changed, everything else stays, and what cannot be kept is refused."""

import json
from typing import Any

import pytest

from mcp_errortracking.clients import json_text
from mcp_errortracking.clients.json_text import CommentedError, JsonTextError, read_object, with_member

PLACE = ("mcpServers", "posthog")
ENTRY = {"command": "c", "args": []}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "mcpServers": {\n    "posthog": {\n      "command": "c",\n      "args": []\n    }\n  }\n}\n'),
        ("{}", '{\n  "mcpServers": {\n    "posthog": {\n      "command": "c",\n      "args": []\n    }\n  }\n}'),
        (
            '{\n\t"z": 1,\n\t"a": "Grüße \\u0041"\n}\n',
            '{\n\t"z": 1,\n\t"a": "Grüße A",\n\t"mcpServers": {\n\t\t"posthog": {\n\t\t\t"command": "c",\n'
            '\t\t\t"args": []\n\t\t}\n\t}\n}\n',
        ),
        (
            '\ufeff{\r\n    "b": [1]\r\n}\r\n',
            '\ufeff{\r\n    "b": [\r\n        1\r\n    ],\r\n    "mcpServers": {\r\n        "posthog": {\r\n'
            '            "command": "c",\r\n            "args": []\r\n        }\r\n    }\r\n}\r\n',
        ),
    ],
)
def test_the_layout_of_the_file_stays(before: str, after: str) -> None:
    assert with_member(before, PLACE, ENTRY) == after


def test_order_and_values_of_everything_else_stay() -> None:
    data = {
        "z": {"b": None, "a": [1.5, True, "x"]},
        "mcpServers": {"other": {"url": "u"}, "posthog": {"old": 1}},
        "y": 0,
    }
    changed = json.loads(with_member(json.dumps(data, indent=2), PLACE, ENTRY))
    removed = json.loads(with_member(json.dumps(changed, indent=2), PLACE, None))

    assert list(changed) == ["z", "mcpServers", "y"]
    assert changed == data | {"mcpServers": {"other": {"url": "u"}, "posthog": ENTRY}}
    assert removed == data | {"mcpServers": {"other": {"url": "u"}}}


@pytest.mark.parametrize(
    "text",
    [
        '{ // mine\n "a": 1 }',
        '{ "a": 1, }',
        '/* x */ {"a": [1, 2,]}',
        '{"a": "// no comment", "b": "/*"} // but this',
    ],
)
def test_comments_are_read_and_never_rewritten(text: str) -> None:
    assert read_object(text)["a"] in (1, [1, 2], "// no comment")
    with pytest.raises(CommentedError):
        with_member(text, PLACE, ENTRY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1', "not valid JSON"),
        ("nonsense", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"a": 1, "a": 2}', "'a' occurs twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e400}', "would change the number 1e400"),
        ('{"a": 0.1000000000000000000001}', "would change the number 0.1000000000000000000001"),
        ('{"a": 1e-99999999999999999999}', "would change the number 1e-99999999999999999999"),
        ('{"a": -' + "9" * 5000 + "}", "a number of 5001 digits"),
        ('{"mcpServers": []}', "not an object"),
        ('{"mcpServers": "x"}', "not an object"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ('{"a": "' + '\\"' * 100_000, "not valid JSON"),
        ('{"a": "' + '\\"' * 100_000 + "\\", "not valid JSON"),
        ("{" + "/*" * 100_000, "not valid JSON"),
        ("{" + "//" * 100_000, "not valid JSON"),
        ("{" + ", " * 100_000, "not valid JSON"),
        ("{" + "," + " " * 100_000, "not valid JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused(text: str, reason: str) -> None:
    with pytest.raises(JsonTextError, match=reason):
        with_member(text, PLACE, ENTRY)


def test_a_repeated_name_is_found_in_one_pass() -> None:
    comparisons = 0

    class Name(str):
        def __eq__(self, other: object) -> bool:
            nonlocal comparisons
            comparisons += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names = [Name(one) for one in (*range(1000), 999)]
    with pytest.raises(JsonTextError, match="occurs twice"):
        json_text._unique([(name, 0) for name in names])  # pyright: ignore[reportPrivateUsage]

    assert comparisons < 2000


def test_numbers_half_characters_and_null_keep_their_meaning() -> None:
    text = '{"a": "\\ud800 \u00e9", "b": 1E5, "c": 1.50, "d": 123456789012345678901234567890, "mcpServers": null}'
    written = with_member(text, PLACE, ENTRY)

    assert '"a": "\\ud800 \u00e9"' in written
    assert written.encode()
    assert json.loads(written) == json.loads(text) | {"mcpServers": {"posthog": ENTRY}}


def test_a_slash_in_a_text_is_not_a_comment() -> None:
    data: dict[str, Any] = {"url": "https://x.example/a//b", "glob": "/* */, ]", "quote": 'a"//b'}
    assert json.loads(with_member(json.dumps(data), PLACE, ENTRY)) == data | {"mcpServers": {"posthog": ENTRY}}
