"""Findings about filters, and the notes of the tools that create and change rules."""

import json
from typing import Any

import pytest

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.catalog import filters as catalog_filters
from mcp_errortracking.rules import condition_lint
from mcp_errortracking.rules.events import Event
from mcp_errortracking.rules.filter_types import COHORTS
from mcp_errortracking.rules.lint import lint, refusal
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.notes import notes
from mcp_errortracking.rules.regex import Regex, parse
from mcp_errortracking.server.arguments import ArgumentsError, parse_arguments
from tests.rules.vectors import IDS, VECTORS

VALUES, TYPES, SOURCES = "$exception_values", "$exception_types", "$exception_sources"
ID = "01936f2e-7a51-7000-8000-000000000001"


def group(*conditions: dict[str, Any], join: str = "AND") -> dict[str, Any]:
    return {"type": join, "values": list(conditions)}


def condition(key: str, operator: str, value: Any = "x", kind: str = "event") -> dict[str, Any]:
    return {"key": key, "type": kind, "operator": operator, "value": value}


def found(filters: dict[str, Any], kind: str | None = None, rate: float | None = None) -> list[tuple[str, str, str]]:
    return [(one.level, one.place, f"{one.problem} {one.advice}") for one in lint(filters, kind, sampling_rate=rate)]


@pytest.mark.parametrize(
    ("given", "level", "words"),
    [
        (
            condition("a", "exact", 1, "cohort"),
            "refused",
            "refuses filters of type cohort in rules. Rules see one event",
        ),
        (condition("a", "exact", "1", "revenue_analytics"), "refused", "refuses filters of type revenue_analytics"),
        (condition("a", "in", "1"), "refused", "require a list of values. Use exact or is_not."),
        (condition("a", "not_in", ["1"]), "refused", "Use exact or is_not."),
        (condition("a", "between", [2, 1]), "refused", "Give two numbers, the lower first."),
        (condition("a", "between", ["x", "y"]), "refused", "Give two numbers, the lower first."),
        (condition("a", "semver_tilde", "latest"), "refused", "a valid semver string"),
        (condition("a", "flag_evaluates_to", True), "refused", "flag_evaluates_to not implemented"),
        (condition("email", "exact", "a", "person"), "error", "rules see no person. Use a property of the event"),
        (condition("a", "exact", "a", "log_entry"), "error", "rules see no log entry."),
        (condition("a", "gt", "3"), "error", "the value is not a number"),
        (condition("a", "gt", 3), "error", "in which this property is missing or no number"),
        (condition(VALUES, "gt", 3), "error", "the entries are texts"),
        (condition("a", "semver_gt", "1.2.3"), "error", "versions cannot be ordered there"),
        (condition("a", "semver_caret", "1.2.3"), "error", "versions cannot be ordered there"),
        (condition(VALUES, "regex", "a(?=b)"), "error", "at character 2: look-around"),
        (condition(VALUES, "not_regex", ["(?i)ok", "(a"]), "error", "unclosed group. Write a literal ( as \\(."),
        (condition(VALUES, "regex", r"(a)\1"), "error", "backreferences are not supported"),
        (condition(VALUES, "regex", r"\d+\Z"), "error", "unrecognized escape sequence. Use \\z, or $."),
        (condition(VALUES, "regex", r"\w{500}"), "error", "exceeds size limit"),
        (condition(VALUES, "regex", 5), "error", "the pattern is not a text"),
        (condition("a", "exact", []), "error", "an empty list does not count as a condition. Give a value."),
        (condition("a", "exact", [str(one) for one in range(101)]), "error", "more than about 110 values"),
        (condition("$elements_chain", "exact"), "error", "rules do not see $elements_chain"),
        (
            {"key": "f", "type": "flag", "operator": "flag_evaluates_to", "value": True},
            "error",
            "does not count as a condition",
        ),
        (condition(TYPES, "is_not"), "warning", "some entry of $exception_types is not the value, and false if there"),
        (condition(VALUES, "not_icontains"), "warning", "No filter says that no entry does."),
        (condition(VALUES, "not_regex", "[0-9]"), "warning", "does not match, and false if there is none"),
        (condition(SOURCES, "is_not_set"), "warning", "never matches"),
        (condition(VALUES, "icontains", "user_id"), "warning", "_ matches any one character. Write \\_, \\% or \\\\"),
        (condition(VALUES, "icontains", ["50%"]), "warning", "% matches any text"),
        (condition(VALUES, "icontains", "C:\\"), "warning", "\\ escapes %, _ and \\"),
        (condition("$exception_type", "exact"), "warning", "Use $exception_types"),
        (condition("$exception_message", "exact"), "warning", "Use $exception_values"),
        (condition("browser", "exact"), "warning", "Almost no SDK sends browser. Use $browser."),
        (condition(VALUES, "regex", "boom"), "warning", "case-sensitive. (?i) at its beginning"),
        (condition("$exception_list", "icontains"), "warning", "1 MiB"),
        (condition("a", "is_date_after", "-7d"), "warning", "fixed at the time of saving"),
        (condition("a", "is_not"), "warning", "also true for events without the property"),
        (condition("a", "icontains", "NUL"), "warning", "a missing one reads as the text null"),
        (condition("a", "regex", "[a-z]+"), "warning", "a missing one reads as the text null"),
        (condition("a", "starts_with"), "warning", "is not known"),
        (condition("email", "exact"), "warning", "Rules do not see the person"),
        (condition("name", "exact", "x", "error_tracking_issue"), "warning", "not the issue"),
        (condition("$exception_handled", "exact", "banana"), "warning", "false equals every text but true"),
        (condition("a", "not_icontains_multi", ["x", "y"]), "warning", "one of the texts is missing, not all"),
        (condition("a", "semver_neq", "1.2.3"), "warning", "also true for events without the property"),
        (condition(VALUES, "semver_neq", "1.2.3"), "warning", "is another version, or no version, and false if there"),
    ],
)
def test_a_finding_says_where_what_and_what_instead(given: dict[str, Any], level: str, words: str) -> None:
    findings = found(group(group(given, join="OR")))

    assert (level, "values[0].values[0]") in [one[:2] for one in findings]
    assert any(words in text for of, _, text in findings if of == level), findings


@pytest.mark.parametrize(
    "given",
    [
        condition(TYPES, "exact", ["TypeError", "RangeError"]),
        condition(VALUES, "icontains", "boom"),
        condition(VALUES, "icontains", ["user_id", "50%"]),
        condition(VALUES, "regex", "(?i)boom|[0-9]+"),
        condition("$lib", "exact", "web"),
        condition("$lib", "is_set", None),
        condition("$exception_handled", "exact", "true"),
        condition("$exception_handled", "is_not", True),
        condition("$app_version", "semver_eq", "1.2.3"),
        condition("$app_version", "semver_neq", "latest"),
    ],
)
def test_nothing_is_said_about_what_means_what_it_seems_to(given: dict[str, Any]) -> None:
    for kind in (None, "assignment", "grouping", "suppression", "bypass", "severity"):
        assert found(group(given), kind) == []


def test_findings_that_depend_on_the_kind_of_rule() -> None:
    negative = group(condition(TYPES, "is_not"))
    in_browser = "posthog-js applies this rule in the browser too"
    assert any(in_browser in one[2] for one in found(negative, "suppression"))
    for kind, filters, rate in (
        ("suppression", negative, 0.5),
        ("suppression", group(negative), None),
        ("suppression", group(*negative["values"], condition("$lib", "exact")), None),
        ("bypass", negative, None),
    ):
        assert not any(in_browser in one[2] for one in found(filters, kind, rate))
    fingerprint = group(condition("$exception_fingerprint", "exact"))
    assert [one[0] for one in found(fingerprint, "grouping")] == ["warning"]
    assert found(fingerprint, "bypass") == []
    issue = group(condition("$exception_issue_id", "exact"))
    assert [one[0] for one in found(issue, "suppression")] == ["warning"]
    assert found(issue, "severity") == []


def test_capacity() -> None:
    many = [condition(SOURCES, "icontains", str(one)) for one in range(101)]
    texts = [one[2] for one in found(group(*many, join="OR"))]
    assert any("101 conditions" in text and "(?:a|b|c)" in text for text in texts)
    ten = [condition(SOURCES, "icontains", str(one)) for one in range(10)]
    assert ["10 conditions on lists" in one[2] and "about 42 entries" in one[2] for one in found(group(*ten))] == [True]
    assert found(group(*ten[:9])) == []
    assert found(group(*[condition("$exception_handled", "exact", "true")] * 10)) == []


def test_capacity_counts_the_values_that_are_conditions_of_their_own() -> None:
    """Several patterns are compiled to one condition each, several texts of exact or icontains to one."""
    patterns = [f"(?i){one}" for one in range(12)]

    assert "12 conditions on lists" in found(group(condition(SOURCES, "regex", patterns)))[0][2]
    assert found(group(condition(SOURCES, "icontains", patterns))) == []
    several = [condition("a", "regex", [f"(?i){part}{one}b" for one in range(60)]) for part in "xy"]
    assert [one[2] for one in found(group(*several)) if "120 conditions: above about 110" in one[2]]


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if "filters" in vector], ids=IDS[: len(VECTORS) - 1])
def test_each_vector_that_fails_has_a_finding_of_its_kind(vector: dict[str, Any]) -> None:
    worst = next((one[0] for one in found(vector["filters"])), "")

    if vector["expect"] in ("disabled", "refused"):
        assert worst == {"disabled": "error", "refused": "refused"}[vector["expect"]]
    else:
        assert worst != "refused"


def test_a_refusal_is_one_of_the_matching_too() -> None:
    filters = group(condition("a", "in", "1"))
    assert Rule(filters).match(Event({})).kind == "refused"
    for tool in ("assignment-rules-create", "grouping-rules-update", "suppression-rules-create", "bypass-rules-update"):
        arguments = {"id": ID} if "update" in tool else {}
        arguments |= {"assignee": {"type": "user", "id": 1}} if "assignment" in tool else {}
        with pytest.raises(ArgumentsError, match=r"values\[0\]: PostHog refuses this: IN and NOT IN"):
            parse_arguments(CATALOG[f"error-tracking-{tool}"], {**arguments, "filters": filters})


def test_lint_never_searches_with_a_large_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_search(*_: Any) -> None:
        raise AssertionError("a search was made")

    def only_a_dot(pattern: str) -> Regex:
        assert pattern == "."
        return Regex(pattern)

    monkeypatch.setattr("mcp_errortracking.rules.operators.compiled", only_a_dot)
    monkeypatch.setattr("mcp_errortracking.rules.regex.automaton._Program.step", no_search)
    for pattern in ("(?i)(?:a{1,100}){1,100}[b-z]", "(?i)" + "[ab]" * 60):
        assert found(group(condition("a", "regex", pattern))) == []


def test_the_rate_that_posthog_holds_decides_about_the_browser() -> None:
    filters = group(condition(TYPES, "is_not"))
    for rate, expected in ((1, 1), (0.5, 0)):
        steps = (
            CATALOG["error-tracking-suppression-rules-update"].model_validate({"id": ID, "filters": filters}).steps()
        )
        next(steps)
        steps.send(None)
        with pytest.raises(StopIteration) as stop:
            steps.send({"id": ID, "filters": filters, "sampling_rate": rate})
        assert sum("posthog-js" in note for note in stop.value.value.notes) == expected


def test_many_findings_are_cut() -> None:
    filters = group(*[condition("a", "gt", one) for one in range(9)])

    shown = notes(filters)

    assert len(shown) == 7
    assert shown[0].startswith("filters.values[0]: PostHog saves this, and disables the rule at the first event")
    assert shown[-1] == "3 more findings about these filters."


@pytest.mark.parametrize("kind", ["assignment", "grouping", "suppression", "bypass", "severity"])
def test_each_write_of_a_rule_brings_notes(kind: str) -> None:
    filters = group(condition(VALUES, "regex", "a(?!b)"))
    own = {"assignment": {"assignee": {"type": "user", "id": 1}}, "severity": {"severity": "low"}}.get(kind, {})
    update = "partial-update" if kind == "assignment" else "update"
    for tool, arguments, answers in (
        ("create", {**own, "filters": filters}, [{"id": ID, "filters": filters}]),
        (update, {"id": ID, "filters": filters}, [None, {"id": ID, "filters": filters, **own}]),
    ):
        steps = CATALOG[f"error-tracking-{kind}-rules-{tool}"].model_validate(arguments).steps()
        sent = [next(steps)]
        outcome = None
        for answer in answers:
            try:
                sent.append(steps.send(answer))
            except StopIteration as stop:
                outcome = stop.value
        assert json.loads(json.dumps(sent[0].json))["filters"] == filters
        assert outcome is not None
        assert [note for note in outcome.notes if "look-around" in note and "character 2" in note]


def test_a_write_notes_a_name_that_no_sdk_sends_once() -> None:
    filters = group(condition("$exception_type", "exact"))
    steps = CATALOG["error-tracking-bypass-rules-create"].model_validate({"filters": filters}).steps()
    next(steps)
    with pytest.raises(StopIteration) as stopped:
        steps.send({"id": ID, "filters": filters})

    assert [note for note in stopped.value.value.notes if "$exception_types" in note] == [
        "filters.values[0]: Almost no SDK sends $exception_type. Use $exception_types, which ingestion fills."
    ]


def test_a_write_parses_each_pattern_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = list[str]()

    def count(pattern: str) -> Any:
        parsed.append(pattern)
        return parse(pattern)

    monkeypatch.setattr(condition_lint, "parse", count)
    filters = group(condition(VALUES, "regex", "(?i)time.?out"), condition("a", "not_regex", "(b"))
    call = CATALOG["error-tracking-bypass-rules-create"].model_validate({"filters": filters})
    assert parsed == []
    steps = call.steps()
    next(steps)
    with pytest.raises(StopIteration) as stopped:
        steps.send({"id": ID, "filters": filters})

    assert parsed == ["(?i)time.?out", "(b"]
    assert "unclosed group" in " ".join(stopped.value.value.notes)


def test_filters_on_cohorts_have_one_list_of_types() -> None:
    assert {one for one in catalog_filters.TYPES if "cohort" in one} == set(COHORTS)
    for kind in COHORTS:
        assert catalog_filters.PropertyFilter.model_validate({"type": kind, "value": 3}).key == "id"
        finding = refusal(group(condition("id", "exact", 3, kind)))
        assert finding is not None
        assert finding.advice.startswith("Rules see one event")
