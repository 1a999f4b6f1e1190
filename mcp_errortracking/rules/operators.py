"""The operators of a condition as they run in ingestion (rule contract 2.3 to 2.7)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast

from mcp_errortracking.rules.like import ilike
from mcp_errortracking.rules.outcomes import DisabledError, RefusedError, UnknownError
from mcp_errortracking.rules.regex import BadPatternError, TooMuchWorkError, UndecidedError, compiled
from mcp_errortracking.rules.values import equal, is_number, to_text, type_name, version

Test = Callable[[Any], bool]
NUMERIC_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda held, bound: held > bound,
    "gte": lambda held, bound: held >= bound,
    "min": lambda held, bound: held >= bound,
    "lt": lambda held, bound: held < bound,
    "lte": lambda held, bound: held <= bound,
    "max": lambda held, bound: held <= bound,
}
NUMERIC = (*NUMERIC_TESTS, "between", "not_between")
SEMVER_ORDER = (
    *("semver_gt", "semver_gte", "semver_lt", "semver_lte"),
    *("semver_tilde", "semver_caret", "semver_wildcard"),
)
DATES = ("is_date_exact", "is_date_before", "is_date_after")
UNCONFIRMED = ("starts_with", "not_starts_with", "ends_with", "not_ends_with")
_EQUALITY = ("exact", "is_not", "in", "not_in")
_CONTAINS = ("icontains", "not_icontains")


@dataclass(frozen=True, slots=True)
class Operation:
    """A test of one value, and its cost.

    Args:
        steps: instructions for each element of an array key.
        stack: entries on the stack while it runs.
        may_fail: running it may switch the rule off, so it is never left out.
    """

    test: Test
    steps: int
    stack: int = 2
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """Several operations, of which one (OR) or all (AND) must hold; without any, the number 1."""

    join: Literal["AND", "OR"]
    operations: tuple[Operation, ...]


def operation(operator: str, value: Any) -> Joined:
    """Return the operations that an operator and its value are compiled to.

    Raises:
        RefusedError: PostHog does not compile them.
        UnknownError: their effect is not known.
    """
    values: list[Any] | None = cast("list[Any]", value) if isinstance(value, list) else None
    if value is None and operator not in ("is_set", "is_not_set"):
        raise RefusedError(f"operator {operator} has no value")
    if values is None or operator in ("between", "not_between"):
        return Joined("OR", (_single(operator, value),))
    if operator in _CONTAINS and len(values) != 1:
        return Joined(
            "OR", (_contains_any(values, operator.startswith("not_")) if values else _single(operator, "[]"),)
        )
    if not values:
        return Joined("OR", ())
    if len(values) == 1:
        return Joined("OR", (_single(operator, values[0]),))
    if operator in _EQUALITY:
        return Joined("OR", (_one_of(values, operator in ("is_not", "not_in")),))
    return Joined("AND" if operator == "not_regex" else "OR", tuple(_single(operator, one) for one in values))


def _single(operator: str, value: Any) -> Operation:
    if operator in ("is_set", "is_not_set"):
        return _is_set if operator == "is_set" else _is_not_set
    if operator in ("exact", "is_not"):
        # PostHog compiles a single boolean to its text, unless the project defines the property as boolean.
        return _equals(to_text(value) if isinstance(value, bool) else value, operator == "is_not")
    if operator == "is_cleaned_path_exact":
        return _equals(value, negated=False)
    if operator in _CONTAINS:
        return _contains(str(value), operator.startswith("not_"))
    if operator in ("icontains_multi", "not_icontains_multi"):
        return _contains_any([value], operator.startswith("not_"))
    if operator in ("regex", "not_regex"):
        return _regex(value, operator == "not_regex")
    if operator in NUMERIC:
        return _between(operator, value) if operator.endswith("between") else _compares(operator, value)
    if operator in ("semver_eq", "semver_neq"):
        return _same_version(value, operator == "semver_neq")
    if operator in SEMVER_ORDER:
        return _version_order(operator, value)
    if operator in DATES:
        raise RefusedError("Unknown global function: toDateTime")
    if operator in ("in", "not_in"):
        raise RefusedError("IN and NOT IN operators require a list of values")
    if operator in UNCONFIRMED:
        raise UnknownError(f"not simulated: operator {operator}")
    raise RefusedError(f"PropertyOperator {operator} not implemented")


_is_set = Operation(lambda held: held is not None, 20)
_is_not_set = Operation(lambda held: held is None, 20)


def _equals(value: Any, negated: bool) -> Operation:
    def test(held: Any) -> bool:
        return (held == value if type(held) is type(value) else equal(held, value)) != negated

    return Operation(test, 21)


def _one_of(values: list[Any], negated: bool) -> Operation:
    texts = frozenset(value for value in values if isinstance(value, str))
    others = [value for value in values if not isinstance(value, str)]

    def test(held: Any) -> bool:
        if isinstance(held, str):
            return (held in texts or any(equal(held, value) for value in others)) != negated
        return any(equal(held, value) for value in values) != negated

    return Operation(test, len(values) + 21, len(values))


def _contains(value: str, negated: bool) -> Operation:
    holds = ilike(f"%{value}%")
    return Operation(lambda held: holds(to_text(held)) != negated, 22)


def _contains_any(values: list[Any], negated: bool) -> Operation:
    needles = [str(value).lower() for value in values]

    def test(held: Any) -> bool:
        text = to_text(held).lower()
        return any(needle in text for needle in needles) != negated

    return Operation(test, len(values) + 24, len(values) + 2)


def _regex(value: Any, negated: bool) -> Operation:
    if not isinstance(value, str):
        if not value:
            return Operation(lambda _: negated, 23)
        return _fails(f"Invalid value of type {type_name(value)}, expected String", 23, except_for="", answer=negated)
    if not value:
        return Operation(lambda _: negated, 23)
    try:
        search = compiled(value).is_match
    except BadPatternError as error:
        return _fails(f"Invalid regex {value}: {error.reason}", 23, except_for="", answer=negated)
    except (UndecidedError, TooMuchWorkError) as error:
        raise UnknownError(str(error)) from None

    def test(held: Any) -> bool:
        text = to_text(held)
        try:
            return (text != "" and search(text)) != negated
        except (UndecidedError, TooMuchWorkError) as error:
            raise UnknownError(str(error)) from None

    return Operation(test, 23)


def _fails(why: str, steps: int, *, except_for: Any = ..., answer: bool = False) -> Operation:
    """Return an operation that switches the rule off, except for one value."""

    def test(held: Any) -> bool:
        if held == except_for:
            return answer
        raise DisabledError(why)

    return Operation(test, steps, may_fail=True)


def _not_a_number(value: Any) -> NoReturn:
    raise DisabledError(f"Invalid value of type {type_name(value)}, expected Number")


def _compares(operator: str, bound: Any) -> Operation:
    holds = NUMERIC_TESTS[operator]

    def test(held: Any) -> bool:
        if not is_number(held):
            _not_a_number(held)
        if not is_number(bound):
            _not_a_number(bound)
        return holds(held, bound)

    return Operation(test, 21, may_fail=True)


def _between(operator: str, value: Any) -> Operation:
    bounds: list[Any] = cast("list[Any]", value) if isinstance(value, list) else []
    if len(bounds) != 2:
        raise RefusedError(f"{operator} operator requires a two-element array [min, max]")
    try:
        low, high = (float(bound) for bound in bounds)
    except (TypeError, ValueError, OverflowError):
        raise RefusedError(f"{operator} operator requires numeric values") from None
    if low > high:
        raise RefusedError(f"{operator} operator requires min value to be less than or equal to max value")
    inside = operator == "between"

    def test(held: Any) -> bool:
        for one in (held, *bounds):
            if not is_number(one):
                _not_a_number(one)
        return (bounds[0] <= held <= bounds[1]) == inside

    return Operation(test, 26, 3, may_fail=True)


def _same_version(value: Any, negated: bool) -> Operation:
    wanted = version(value)
    return Operation(lambda held: (version(held) == wanted) != negated, 60, 12)


def _version_order(operator: str, value: Any) -> Operation:
    if operator in ("semver_tilde", "semver_caret", "semver_wildcard"):
        name = operator.removeprefix("semver_").capitalize()
        if not isinstance(value, str):
            raise RefusedError(f"{name} operator requires a semver string value")
        text = value.rstrip(".*") if operator == "semver_wildcard" else value
        parts = text.split("-")[0].split(".")[:3]
        if not all(re.fullmatch(r"\s*[+-]?\d+\s*", part) for part in parts):
            raise RefusedError(f"{name} operator requires a valid semver string (e.g., '1.2.3')")

    def test(held: Any) -> bool:
        raise DisabledError(f"Invalid value of type {'Null' if version(held) is None else 'Array'}, expected Number")

    return Operation(test, 60, 12, may_fail=True)
