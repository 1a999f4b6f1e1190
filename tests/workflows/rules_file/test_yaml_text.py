"""YAML from outside: its places, and everything that is refused before it is built."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.rules_file import yaml_text
from mcp_errortracking.workflows.rules_file.errors import MissingYamlError, RulesFileError
from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml, write_yaml

BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "f:1: anchors and aliases (& and *) are not allowed"),
        ("a: 1\nb: *a\n", "f:2: anchors and aliases"),
        ("a: 1\nb: !!python/object/apply:os.system [x]\n", "f:2: tags (!) are not allowed"),
        ("a: 1\nb:\n  <<: {c: 1}\n", "f:3: merge keys"),
        ("a: 1\nb: 2\na: 3\n", 'f:3: not valid YAML: found duplicate key "a"'),
        ("a: [1\n", "f:2: not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "f:2: not valid YAML: "),
        ("a: b\n1: c\n", "f:1: the key 1 is not a text."),
        ("a:\n  - 2026-08-01\n", "f:2: not a text, a number, or true or false: quote it."),
        ("a: .inf\n", "f:1: not a text, a number"),
        ("a: " + "1" * 5000, "f: not valid YAML: "),
        ("a: \x01", "f: not valid YAML: "),
        ("[" * 100_000, "f:1: nested more than 50 deep."),
        ("? " * 100_000, "f:1: nested more than 50 deep."),
        ("a: " + "x" * 1024 * 1024, "f: larger than 1 MiB."),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(RulesFileError) as caught:
        read_yaml(text.encode(), "f")
    assert str(caught.value).startswith(problem)


def test_a_bomb_is_refused_before_any_of_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    built = list[Any]()
    monkeypatch.setattr(YAML, "load", lambda *_: built.append(1))
    with pytest.raises(RulesFileError):
        read_yaml(BOMB.encode(), "f")
    assert built == []


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_MOST_NODES", 10)
    with pytest.raises(RulesFileError, match=r"^f:1: more than 10 values: use several files\.$"):
        read_yaml(b"a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "f")


def test_it_is_not_utf_8() -> None:
    with pytest.raises(RulesFileError, match=r"^f: not UTF-8\.$"):
        read_yaml(b"a: \xff", "f")


def test_nodes_have_places_and_plain_values() -> None:
    text = read_yaml("\ufeff# c\na:\n  - b: no\n    c: [1, 0x1F, 1.5, ~, true]\n  - {d: 'x'}\n".encode(), "f")
    assert text.data == {"a": [{"b": "no", "c": [1, 31, 1.5, None, True]}, {"d": "x"}]}
    assert [type(one) for one in text.data["a"][0]["c"]] == [int, int, float, type(None), bool]
    assert [text.line(path) for path in (("a",), ("a", 0), ("a", 0, "c", 2), ("a", 1, "d"), ("a", 0, "x"))] == [
        *(2, 3, 4, 5, 3),
    ]
    assert text.in_line == {("a", 1)}


def test_what_is_written_reads_back_with_its_comments() -> None:
    data = {"a": [{"name": "yes: #1 \u2028 \x07", "v": [1, "1", True, None, "~"]}, {"x": {"y": "z" * 500}}], "b": {}}
    written = write_yaml(data, {("a", 1): "second\nof\x07two"}, "head")
    assert read_yaml(written.encode(), "f").data == data
    assert written.startswith("# head\na:\n")
    assert "\n  # second\n  # of two\n" in written
    assert "\x07" not in written


def test_every_character_is_visible_and_reads_back() -> None:
    ranges = [(0, 0x20), (0x7F, 0xA0), (0x200B, 0x2010), (0x2028, 0x202F), (0x2060, 0x2070)]
    single = (0xAD, 0x61C, 0x180E, 0xFE0F, 0xFEFF, 0xE000, 0xFFFF, 0x1D173, 0xE0041, 0x10FFFF)
    chosen = [chr(code) for code in (*single, *(code for first, end in ranges for code in range(first, end)))]
    texts = [f"a{one}\\\"'b: # {one} " for one in chosen] + [f"{one}" for one in chosen]
    data = {"flow": {text: text for text in texts}, "list": [{"v": {"name": text, "x": [text]}} for text in texts]}

    written = write_yaml(data)

    assert read_yaml(written.encode(), "f").data == data
    assert all(clean(line) == line for line in written.split("\n"))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ruamel.yaml", None)
    with pytest.raises(MissingYamlError, match=r'pip install "mcp_errortracking\[rules\]"'):
        read_yaml(b"a: 1", "f")
