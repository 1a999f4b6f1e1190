"""The dialect of Rust's regex crate, beside recordings of the crate, and the bounds of a search."""

import json
import random
from typing import Any

import pytest

from mcp_errortracking.rules.regex import BadPatternError, Regex, TooMuchWorkError, UndecidedError, automaton
from tests.rules.patterns import PATTERNS, TEXTS
from tests.rules.record_rust_regex import FILE, generated

RECORDED: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
CASES = [*((pattern, TEXTS) for pattern in PATTERNS), *generated()]


def test_each_pattern_matches_where_the_crate_matches() -> None:
    worded_alike, in_pattern, undecided = list[bool](), list[bool](), list[str]()
    decided = 0
    for entry, (pattern, texts) in zip(RECORDED, CASES, strict=True):
        assert entry["pattern"] == pattern
        try:
            regex = Regex(pattern)
        except BadPatternError as error:
            worded_alike.append(entry.get("reason", "")[:20] == error.reason[:20])
            in_pattern.append("reason" in entry and 0 <= error.place <= len(pattern))
            continue
        except UndecidedError:
            undecided.append(pattern)
            continue
        assert "matches" in entry, (pattern, entry.get("reason"))
        for text, expected in zip(texts, entry["matches"], strict=True):
            if "reek" in pattern and not text.isascii():
                continue  # the script of some letters is not known here
            assert regex.is_match(text) == expected, (pattern, text)
            decided += 1
    assert len(in_pattern) > 150
    assert all(in_pattern)
    assert worded_alike.count(False) <= 5  # of two mistakes in a pattern, another one comes first
    assert undecided == [r"\p{L&}"]
    assert decided > 5000


@pytest.mark.parametrize("pattern", [r"\b{start}a", "(?R)a", r"\w{215}", r"\p{Cham}"])
def test_a_pattern_that_depends_on_the_version_is_undecided(pattern: str) -> None:
    with pytest.raises(UndecidedError):
        Regex(pattern)


def test_a_letter_of_an_unknown_script_is_undecided() -> None:
    greek = Regex(r"\p{Greek}")
    assert greek.is_match("omega: \u03c9")
    assert not greek.is_match("omega")
    with pytest.raises(UndecidedError):
        greek.is_match("\u2126")  # the ohm sign is Greek, by its script but not by its name


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 50_000 + "-"),
        ("(a|a)*[bc]", "a" * 50_000),
        ("(.*)*[xz]", "y" * 50_000),
        (".*.*.*.*.*[=;]", "x" * 50_000),
        ("(?:(?:a?){20}){20}[xz]", "a" * 5_000),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 50_000),
    ],
)
def test_no_pattern_takes_more_than_a_look_at_each_character(
    monkeypatch: pytest.MonkeyPatch, pattern: str, text: str
) -> None:
    closures = 0
    original = automaton._Program._closure

    def counted(self: Any, *arguments: Any) -> Any:
        nonlocal closures
        closures += 1
        return original(self, *arguments)

    monkeypatch.setattr(automaton._Program, "_closure", counted)

    assert Regex(pattern).is_match(text) is False
    assert closures < 100  # each further step is one look into a dictionary


def test_too_much_work_is_given_up() -> None:
    with pytest.raises(TooMuchWorkError):
        Regex("(?:a{1,200}){1,200}b")
    # Each of the last 300 characters may be the one: the automaton has no end of states.
    with pytest.raises(TooMuchWorkError):
        Regex("a.{300}b$|c").is_match("".join(random.Random(1).choices("ab", k=20_000)))


@pytest.mark.parametrize("pattern", ["a" + "*" * 5000, "(" * 5000, "[" * 5000])
def test_nesting_is_bounded(pattern: str) -> None:
    with pytest.raises((BadPatternError, UndecidedError, TooMuchWorkError), match="nest"):
        Regex(pattern)


def test_deep_groups_are_read() -> None:
    assert Regex("(" * 240 + "a" + ")" * 240).is_match("a")
