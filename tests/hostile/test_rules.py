"""Rules and events by a hostile author: linted and evaluated in bounded work and memory, and never an exception."""

import io
import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.cli import rules as rules_command
from mcp_errortracking.cli.main import main
from mcp_errortracking.rules import trial
from mcp_errortracking.rules.events import Event
from mcp_errortracking.rules.folding import fold
from mcp_errortracking.rules.lint import lint
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.regex import BadPatternError, Regex, UndecidedError, automaton, parse
from mcp_errortracking.rules.rule_set import check_rules
from mcp_errortracking.server.arguments import ArgumentsError, parse_arguments
from tests.hostile.steps import count_calls, count_steps

HUGE = 10**400
"""JSON has no limit on integers; a float has."""


def condition(operator: str = "exact", value: Any = "x", key: str = "plan") -> dict[str, Any]:
    return {"type": "event", "key": key, "operator": operator, "value": value}


def group(*values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "AND", "values": list(values)}


def rule(number: int, filters: Any, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "order_key": number, "filters": filters, **more}


def nested(depth: int) -> Any:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def nested_groups(depth: int) -> dict[str, Any]:
    filters = group(condition())
    for _ in range(depth):
        filters = group(filters)
    return filters


# Patterns

PATTERNS: dict[str, Callable[[int], str]] = {
    "classes in a class": lambda n: "[" + "[a]" * n + "]",
    "unknown names of classes": lambda n: "[" + "[:x]" * n,
    "the same with an end": lambda n: "[" + "[:x]" * n + ":]",
    "operators in a class": lambda n: "[a" + "&&a" * n + "]",
    "ranges": lambda n: "[" + "a-b" * n + "]",
    "letters": lambda n: "ab" * n,
    "optional letters": lambda n: "a?" * n,
    "alternatives": lambda n: "a|" * n,
    "empty groups": lambda n: "()" * n,
    "named groups": lambda n: "".join(f"(?P<n{place}>a)" for place in range(n)),
    "flags": lambda n: "(?i)" * n,
    "properties": lambda n: r"\pL" * n,
    "codes": lambda n: r"\x{41}" * n,
    "comments": lambda n: "(?x)" + "#a\n" * n,
    "digits of a count": lambda n: "a{" + "0" * n + "}",
}


class Watched(str):
    """A text that counts the characters that searches in it look at."""

    looked_at = 0

    def find(self, part: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        found = super().find(part, start, end)
        self.looked_at += (found if found >= 0 else min(len(self), len(self) if end is None else end)) - start
        return found


def work_of(pattern: str) -> int:
    watched = Watched(pattern)

    def read() -> None:
        with suppress(BadPatternError, UndecidedError):
            parse(watched)

    return count_steps(read) + watched.looked_at


@pytest.mark.parametrize("shape", PATTERNS)
def test_twice_the_pattern_is_twice_the_work(shape: str) -> None:
    two, four = (work_of(PATTERNS[shape](number)) for number in (600, 1200))

    assert four < 2.2 * two + 2000


def test_a_class_may_have_more_operators_than_calls_nest() -> None:
    assert Regex("[a" + "&&a" * 3000 + "]+$").is_match("ba")
    assert not Regex("[a" + "--a" * 3000 + "]+$").is_match("ba")
    assert Regex("[a" + "~~a" * 3000 + "]+$").is_match("ba")


def test_classes_as_deep_as_the_crate_takes_are_searched_or_given_up() -> None:
    filters = group(condition("regex", "[^b" * 249 + "a" + "]" * 249))

    assert Rule(filters).match(Event({"plan": "b"})).kind in ("match", "no_match", "unknown")


def test_nested_repeats_do_not_double_at_each_level() -> None:
    regex = Regex("(?:" * 60 + "ab" + ")+" * 60 + "$")

    assert regex.is_match("xabab")
    assert not regex.is_match("aba")


def test_what_a_search_remembers_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automaton, "_MOST_HELD", 2000)
    regex = Regex("a.{6}[xz]")

    for letter in range(0x4E00, 0x5E00):
        assert not regex.is_match(f"aaba{chr(letter)}bbab{chr(letter)}a")
    program: Any = regex._program

    assert regex.is_match("xaaaaaaaz")
    assert sum(len(state) + len(state.places) for state in program._states.values()) <= 2000


def test_folded_texts_are_remembered_by_their_size() -> None:
    long = "\u00c4B" * 50_000
    texts = [f"{long}{number}" for number in range(100)]
    tracemalloc.start()
    try:
        for text in texts:
            assert fold(text)[:2] == "\u00e4b"
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 1_000_000


# Lint

LARGE: dict[str, dict[str, Any]] = {
    "names that are nearly right": group(*[condition(key=f"$exception_tipes{number}") for number in range(9000)]),
    "patterns": group(*[condition("regex", f"abc.*{number}") for number in range(9000)]),
    "patterns of one condition": group(condition("regex", [f"(a|b)+{number}" for number in range(9000)])),
    "long patterns": group(*[condition("regex", "[a-z]|" * 15_000 + str(number)) for number in range(9)]),
    "patterns that nest": group(
        condition("regex", ["(?:" * 20 + f"a{number}" + ")+" * 20 for number in range(1000)]),
    ),
    "texts that are patterns": group(*[condition("icontains", f"%{number}_" * 15_000) for number in range(9)]),
}
FEW = ("patterns of one condition", "patterns that nest")
"""Those of which the first hundred values are looked at."""


@pytest.mark.parametrize("shape", LARGE)
def test_a_lint_is_bounded_and_says_where_it_ends(shape: str) -> None:
    found: list[str] = []

    calls = count_calls(lambda: found.extend(map(str, lint(LARGE[shape]))))

    assert calls < 1_500_000
    if shape not in FEW:
        assert [text for text in found if "Not checked from here on: there are too many conditions" in text]


def test_the_usual_number_of_rules_is_checked_whole() -> None:
    rules = [rule(number, group(condition(value=str(number)), condition())) for number in range(5000)]

    found = check_rules(rules, "grouping")

    assert not [one for findings in found.values() for one in findings if "Not checked" in one.problem]


def test_rules_with_many_conditions_are_compared_once() -> None:
    rules = [
        rule(number, group(*[condition(value=f"{place}" if place else f"own{number}") for place in range(70)]))
        for number in range(200)
    ]
    rules.append(rule(300, group(*[condition(value=str(place)) for place in range(1, 70)])))
    rules.append(rule(301, rules[-1]["filters"]))

    calls = count_calls(lambda: check_rules(rules, "grouping"))

    assert calls < 2_000_000  # 20,000 pairs, with 70 conditions each


def test_a_rule_behind_many_conditions_is_still_found() -> None:
    many = [condition(value=str(place)) for place in range(70)]

    found = check_rules([rule(1, group(*many)), rule(2, group(*many, condition(value="own")))], "grouping")

    assert any("Rule 1 before it matches all" in one.problem for one in found["2"])


@pytest.mark.parametrize(
    "odd",
    [
        rule(0, group(condition()), order_key=HUGE),
        rule(0, group(condition()), order_key=-HUGE),
        rule(0, group(condition(value=nested(990)))),
        rule(0, nested_groups(990)),
        rule(0, group(condition("between", [HUGE, 1]))),
        rule(0, group(condition("gt", HUGE))),
        rule(0, group({"type": [], "key": {}, "operator": [], "value": {}})),
    ],
    ids=["order_key", "negative order_key", "value", "groups", "between", "gt", "types"],
)
def test_odd_rules_leave_the_others_checked(odd: dict[str, Any]) -> None:
    found = check_rules([odd, rule(5, group(condition("in", "x")))], "grouping")

    assert found["5"][0].level == "refused"


def test_a_range_beyond_any_float_is_refused_and_not_sent() -> None:
    given = {"filters": group(condition("between", [HUGE, 1])), "assignee": {"type": "user", "id": 1}}

    with pytest.raises(ArgumentsError, match="between operator requires numeric values"):
        parse_arguments(CATALOG["error-tracking-assignment-rules-create"], given)


# The command


def answered(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any] | None, str]:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{line}\n".encode())))
    assert main(["rules", "match"]) in (0, 1)
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return (json.loads(printed.out) if printed.out else None), printed.err


def trial_of(filters: Any, properties: dict[str, Any] | None = None, **more: Any) -> str:
    return json.dumps({"id": 1, "filters": filters, "properties": properties or {}, **more})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (trial_of(group(), id=float("nan")), "NaN is not a number in JSON"),
        ('{"id": 1e999, "properties": {}, "filters": {"type": "AND", "values": []}}', "not JSON"),
        (trial_of(nested_groups(400)).replace('"properties"', f'"x": {"[" * 9000}{"]" * 9000}, "properties"'), "deep"),
        ("x" * 5000, "longer than 0 MiB"),
    ],
    ids=["NaN", "infinity", "depth", "length"],
)
def test_a_line_that_cannot_be_read_is_named(
    line: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "longer" in reason:
        monkeypatch.setattr(rules_command, "_LONGEST_LINE", 2000)

    answer, error = answered(f"{line}\n{trial_of(group())}", monkeypatch, capsys)

    assert error.startswith("line 1: ")
    assert reason in error
    assert answer == {"id": 1, "outcome": "match", "message": None, "taken_by": None, "suppressed": None}


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (trial_of(group(condition("between", [HUGE, 1]))), "refused"),
        (trial_of(group({"type": [], "key": "a", "value": 1})), "refused"),
        (trial_of(group({"type": "event", "key": "a", "operator": [], "value": 1})), "refused"),
        (trial_of(group(), ask="suppress", sampling_rate=HUGE), "match"),
        (trial_of(group(), ask="suppress", sampling_rate=-HUGE), "match"),
        (trial_of(group(condition("icontains", "a_" * 5000 + "b")), {"plan": "a" * 1_000_000}), "unknown"),
        (trial_of(group(condition("regex", "[a" + "&&a" * 3000 + "]")), {"plan": "a"}), "match"),
    ],
    ids=["between", "type", "operator", "rate", "negative rate", "wildcards", "class"],
)
def test_an_odd_line_is_answered(
    line: str, outcome: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, _ = answered(line, monkeypatch, capsys)

    assert answer is not None
    assert answer["outcome"] == outcome


def test_a_kind_that_is_named_a_thousand_times_is_tried_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = list[str | None]()

    class Counted(Rule):
        def __init__(self, filters: Any, kind: str | None = None) -> None:
            made.append(kind)
            super().__init__(filters, kind)

    monkeypatch.setattr(trial, "Rule", Counted)

    answer, _ = answered(trial_of(group(condition()), kind=["grouping", "bypass"] * 1000), monkeypatch, capsys)

    assert answer is not None
    assert made == ["grouping", "bypass"]
