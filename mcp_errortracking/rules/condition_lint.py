"""Lint of one condition."""

import re
from collections.abc import Iterator
from typing import Any, cast

from mcp_errortracking.rules.conditions import CONSTANT, DISABLING, OF_PROPERTIES, REFUSED
from mcp_errortracking.rules.events import ARRAY_KEYS
from mcp_errortracking.rules.filter_types import COHORTS
from mcp_errortracking.rules.findings import SAVES_AND_DISABLES, Finding
from mcp_errortracking.rules.lint_budget import MOST_VALUES
from mcp_errortracking.rules.operators import DATES, NUMERIC, SEMVER_ORDER, UNCONFIRMED, operation
from mcp_errortracking.rules.outcomes import DisabledError, RefusedError, UnknownError
from mcp_errortracking.rules.property_names import meant_property
from mcp_errortracking.rules.regex import BadPatternError, UndecidedError, parse
from mcp_errortracking.rules.values import version

_REGEX = ("regex", "not_regex")
_LONG_PATTERN = 200
_TEXT = ("icontains", "icontains_multi", "regex")
_NEGATIVE = {
    "is_not": "is not the value",
    "not_in": "is not one of the values",
    "not_icontains": "does not contain it",
    "not_icontains_multi": "does not contain it",
    "not_regex": "does not match",
    "semver_neq": "is another version, or no version",
}
_WILDCARDS = {"_": "_ matches any one character", "%": "% matches any text", "\\": "\\ escapes %, _ and \\"}
_RELATIVE = re.compile(r"-?\d+[hdwmqyHDWMQYs]")
_OF_PERSONS = ("email", "distinct_id", "person_id", "$person_id")
_NO_NEGATIVE = "No filter says that no entry does. Use positive conditions."
_IGNORES_CASE = re.compile(r"\(\?[a-zU]*i")
_LETTER = re.compile(r"(?<!\\)[A-Za-z]")
_ABSENT = {
    **{("assignment", key): "rules of issues do not see it" for key in ("$issue_name", "$issue_description")},
    **{("severity", key): "rules of issues do not see it" for key in ("$issue_name", "$issue_description")},
    **{(kind, "$exception_issue_id"): "there is no issue yet" for kind in ("grouping", "suppression", "bypass")},
}


def check_condition(condition: dict[str, Any], place: str, kind: str | None, *, is_alone: bool) -> Iterator[Finding]:
    """Return the findings about one condition. `is_alone`: it is the only one of its rule."""
    of = str(condition.get("type") or "event")
    if of in CONSTANT:
        yield _constant(of, place, is_alone)
    elif refused := check_refused(condition, place):
        yield refused
    elif of in DISABLING:
        yield Finding(
            "error",
            place,
            f"{SAVES_AND_DISABLES} at the first event: rules see no {of.replace('_', ' ')}.",
            "Use a property of the event (type event).",
        )
    elif of in OF_PROPERTIES:
        checks = _Checks(condition, place, kind, is_alone)
        yield from checks.all()


def check_refused(condition: dict[str, Any], place: str) -> Finding | None:
    """Return the finding that PostHog refuses one condition; None if it is not certain to do so."""
    of = str(condition.get("type") or "event")
    if of in REFUSED:
        advice = "Rules see one event, not its person: use a property of the event." if of in COHORTS else ""
        return Finding("refused", place, f"PostHog refuses filters of type {of} in rules.", advice)
    return _Checks(condition, place, None, is_alone=False).refused() if of in OF_PROPERTIES else None


def _constant(of: str, place: str, is_alone: bool) -> Finding:
    if is_alone:
        problem = f"{SAVES_AND_DISABLES} at the first event: a condition of type {of} does not count as a condition."
        return Finding("error", place, problem, "Leave it out.")
    problem = f"A condition of type {of} is always true; an older PostHog disables the rule over it."
    return Finding("warning", place, problem, "Leave it out.")


class _Checks:
    """The checks of a condition that reads a property of the event."""

    def __init__(self, condition: dict[str, Any], place: str, kind: str | None, is_alone: bool) -> None:
        self._key = str(condition.get("key"))
        self._operator = str(condition.get("operator") or "exact")
        value: Any = condition.get("value")
        self._value = value
        self._values: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        self._type = str(condition.get("type") or "event")
        self._is_list = self._type == "event" and self._key in ARRAY_KEYS
        self._place = place
        self._kind = kind
        self._is_alone = is_alone

    def all(self) -> Iterator[Finding]:
        if self._operator in DATES:
            yield self._dates()
            return
        if self._is_empty_list():
            yield self._empty_list()
            return
        yield from self._operators()
        yield from self._patterns()
        yield from self._keys()
        yield from self._capacity()
        if not self._is_list and self._operator in _TEXT and self._matches_null():
            yield self._warn(
                "This also matches events without the property: a missing one reads as the text null.",
                "Add a condition with is_set.",
            )

    def _finding(self, level: str, problem: str, advice: str = "") -> Finding:
        return Finding(cast("Any", level), self._place, problem, advice)

    def _error(self, problem: str, advice: str) -> Finding:
        return self._finding("error", f"{SAVES_AND_DISABLES} {problem}", advice)

    def _warn(self, problem: str, advice: str = "") -> Finding:
        return self._finding("warning", problem, advice)

    def refused(self) -> Finding | None:
        """Return the finding that PostHog refuses the operator with this value."""
        if self._operator in DATES or self._is_empty_list():
            return None
        # The search for a pattern is not made here, as that can be much work; the pattern is parsed below.
        value = "." if self._operator in _REGEX and self._value is not None else self._value
        try:
            operation(self._operator, value)
        except RefusedError as error:
            reason = str(error).removesuffix(".")
            return self._finding("refused", f"PostHog refuses this: {reason}.", self._refused_advice())
        except UnknownError:
            pass
        return None

    def _is_empty_list(self) -> bool:
        return self._value == [] and self._operator not in ("icontains", "not_icontains", "between", "not_between")

    def _dates(self) -> Finding:
        frozen = " A relative date is fixed at the time of saving." if _RELATIVE.match(str(self._value)) else ""
        return self._warn(
            f"Rules have no dates: PostHog refuses {self._operator}, or disables the rule.{frozen}", "Leave it out."
        )

    def _refused_advice(self) -> str:
        if self._operator in ("in", "not_in"):
            return "Use exact or is_not."
        if self._operator.endswith("between"):
            return "Give two numbers, the lower first."
        return ""

    def _empty_list(self) -> Finding:
        if self._is_alone:
            return self._error("at the first event: an empty list does not count as a condition.", "Give a value.")
        problem = "An empty list is always true; an older PostHog disables the rule over it."
        return self._finding("error", problem, "Give a value.")

    def _operators(self) -> Iterator[Finding]:
        if self._operator in NUMERIC:
            texts = [value for value in self._values if isinstance(value, str | bool)]
            if texts or self._is_list:
                which = "the entries are texts" if self._is_list else "the value is not a number"
                yield self._error(f"at the first event: {which}.", "Use exact or regex." if self._is_list else "")
            else:
                yield self._error(
                    "at the first event in which this property is missing or no number. No other condition prevents "
                    "that.",
                    "Use exact with a list, or regex: ^[1-9][0-9]+$ is 10 or more.",
                )
        elif self._operator in SEMVER_ORDER:
            yield self._error(
                "at the first event: versions cannot be ordered there.", r"Use regex, as in ^2\.(?:[3-9]|\d\d)\."
            )
        elif self._operator in UNCONFIRMED:
            yield self._warn("The effect of this operator in rules is not known.", "Use regex with ^ or $.")
        if self._operator in _NEGATIVE:
            yield from self._negatives()
        if self._operator == "is_not_set" and self._is_list:
            yield self._warn("is_not_set on a list never matches.", "No filter says that a list is empty.")

    def _negatives(self) -> Iterator[Finding]:
        if self._is_list:
            problem = (
                f"This is true if some entry of {self._key} {_NEGATIVE[self._operator]}, and false if there is none."
            )
            yield self._warn(problem, _NO_NEGATIVE)
        elif self._operator == "not_icontains_multi" and len(self._values) > 1:
            yield self._warn("This is true if one of the texts is missing, not all.", "Use not_icontains.")
        elif self._key != "$exception_handled" and not self._is_no_version():
            yield self._warn("This is also true for events without the property.", "Add a condition with is_set.")

    def _is_no_version(self) -> bool:
        return self._operator == "semver_neq" and all(version(value) is None for value in self._values)

    def _patterns(self) -> Iterator[Finding]:
        if self._operator in ("icontains", "not_icontains") and len(self._values) == 1:
            found = [_WILDCARDS[one] for one in _WILDCARDS if one in str(self._values[0])]
            if found:
                advice = "Write \\_, \\% or \\\\ for the character itself."
                yield self._warn(f"The text is a pattern: {', '.join(found)}.", advice)
        if self._operator not in _REGEX:
            return
        for value in self._values[:MOST_VALUES]:
            if isinstance(value, str):
                yield from self._pattern(value)
            elif value:
                yield self._error("at the first event: the pattern is not a text.", "Give it as a text.")

    def _pattern(self, pattern: str) -> Iterator[Finding]:
        try:
            parse(pattern)
        except BadPatternError as error:
            reason = error.reason.removesuffix(".")
            yield self._error(
                f"at the first event that reaches it: Rust's regex engine refuses the pattern at character "
                f"{error.place + 1}: {reason}.",
                error.advice,
            )
        except UndecidedError as error:
            yield self._warn(f"PostHog may disable the rule over this pattern: {error}.")
        else:
            if not pattern:
                yield self._warn("An empty pattern never matches.")
            elif _LETTER.search(pattern) and not _IGNORES_CASE.search(pattern):
                yield self._warn("The pattern is case-sensitive.", "(?i) at its beginning ignores case.")

    def _keys(self) -> Iterator[Finding]:
        key = self._key
        if key == "$elements_chain":
            yield self._error("at the first event: rules do not see $elements_chain.", "Leave it out.")
        elif self._type == "event" and (meant := meant_property(key)):
            filled = ", which ingestion fills" if meant in ARRAY_KEYS else ""
            yield self._warn(f"Almost no SDK sends {key}.", f"Use {meant}{filled}.")
        elif key == "$exception_list":
            yield self._warn(
                "$exception_list is large: PostHog disables the rule at the first event in which it exceeds 1 MiB.",
                f"Use {', '.join(ARRAY_KEYS)}.",
            )
        elif self._type == "error_tracking_issue":
            yield self._warn("This reads an event property of that name, not the issue: practically never set.")
        elif key in _OF_PERSONS or key.startswith(("person.", "$initial_")):
            yield self._warn("Rules do not see the person: this reads an event property of that name.")
        elif key == "$exception_fingerprint" and self._kind == "grouping":
            yield self._warn("Before grouping only the client's own fingerprint is there, and that one wins.")
        elif (self._kind or "", key) in _ABSENT:
            yield self._warn(f"{key} is always missing here: {_ABSENT[self._kind or '', key]}.")
        if key == "$exception_handled" and self._operator in ("exact", "is_not") and self._is_odd_boolean():
            yield self._warn("false equals every text but true.", "Give true or false.")

    def _is_odd_boolean(self) -> bool:
        return any(isinstance(value, str) and value.lower() not in ("true", "false") for value in self._values)

    def _capacity(self) -> Iterator[Finding]:
        if len(self._values) > MOST_VALUES:
            yield self._error(
                f"if there are more than about 110 values: there are {len(self._values)}.",
                "Use one regex, (?:a|b|c), or several rules.",
            )

    def _matches_null(self) -> bool:
        value, values = self._value, self._values
        if self._operator in _REGEX and len(values) > MOST_VALUES:
            value = values = values[:MOST_VALUES]
        if self._operator == "regex" and any("{" in str(one) or len(str(one)) > _LONG_PATTERN for one in values):
            return False  # it may be much work
        try:
            joined = operation(self._operator, value)
            return any(one.test(None) for one in joined.operations)
        except (DisabledError, UnknownError):
            return False
